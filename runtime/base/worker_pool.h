#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace podreeve {

// A fixed number of threads for calls that block. Jobs run in the order they came; what
// a job throws is logged and ends neither its thread nor the pool: who waits for the job has to be
// told by the job itself. Destruction waits for the jobs that run and drops those that still wait,
// or are submitted meanwhile. A job may submit others.
class WorkerPool {
  public:
    explicit WorkerPool(unsigned threads);
    ~WorkerPool();
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;

    void submit(std::function<void()> job);

  private:
    void work();

    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::function<void()>> jobs_;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace podreeve
