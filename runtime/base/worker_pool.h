#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <thread>

#include "runtime/base/clock.h"

namespace podreeve {

// At most so many threads for calls that block, made as they are needed and ended when they have
// had nothing to do for a while. Jobs run in the order they came; what a job throws is logged and
// ends neither its thread nor the pool: who waits for the job has to be told by the job itself.
// Destruction waits for the jobs that run and drops those that still wait, or are submitted
// meanwhile. A job may submit others. Nothing that ends with the thread that began it
// (PR_SET_PDEATHSIG) may be begun by a job.
class WorkerPool {
  public:
    struct Idle {
        unsigned kept = 1;  // threads that never end: a job that came while none could be made runs
        Duration longest = std::chrono::seconds(10);
    };

    explicit WorkerPool(unsigned most) : WorkerPool(most, Idle()) {}

    WorkerPool(unsigned most, Idle idle);
    ~WorkerPool();
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;

    void submit(std::function<void()> job);
    // What destruction does, earlier. Once.
    void finish();
    std::size_t threads() const;  // that there are now
    bool at_rest() const;         // no job runs, and none waits for a thread

  private:
    using Threads = std::list<std::thread>;

    void start_one();
    void work(Threads::iterator self);
    bool wait_for_job(std::unique_lock<std::mutex>& lock);

    const unsigned most_;
    const Idle idle_;
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::function<void()>> jobs_;
    bool stopping_ = false;
    unsigned waiting_ = 0;  // threads without a job
    Threads threads_, ended_;
};

}  // namespace podreeve
