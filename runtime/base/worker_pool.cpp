#include "runtime/base/worker_pool.h"

#include "runtime/base/thread.h"

namespace podreeve {

WorkerPool::WorkerPool(unsigned most, Idle idle) : most_(most), idle_(idle) {
    const std::lock_guard lock(mutex_);
    while (threads_.size() < most_ && threads_.size() < idle_.kept) {
        start_one();
    }
}

WorkerPool::~WorkerPool() {
    finish();
}

void WorkerPool::finish() {
    std::deque<std::function<void()>> dropped;
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        dropped.swap(jobs_);
    }
    wake_.notify_all();
    dropped.clear();  // without the lock, since what they hold may submit
    // None ends by itself from now on, and none is made.
    for (Threads* const list : {&threads_, &ended_}) {
        for (std::thread& thread : *list) {
            thread.join();
        }
        list->clear();
    }
}

std::size_t WorkerPool::threads() const {
    const std::lock_guard lock(mutex_);
    return threads_.size();
}

bool WorkerPool::at_rest() const {
    const std::lock_guard lock(mutex_);
    return jobs_.empty() && waiting_ == threads_.size();
}

// Under the lock, as is what a new thread does first.
void WorkerPool::start_one() {
    const auto self = threads_.emplace(threads_.end());
    try {
        *self = begin_thread("a worker", [this, self] { work(self); });
    } catch (...) {
        threads_.erase(self);
        throw;
    }
}

void WorkerPool::submit(std::function<void()> job) {
    Threads over;
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) {
            return;
        }
        jobs_.push_back(std::move(job));
        over.swap(ended_);
        if (jobs_.size() > waiting_ && threads_.size() < most_) {
            // Those that there are do it when there cannot be more.
            contained_or_logged("another thread", [this] { start_one(); });
        }
    }
    wake_.notify_one();
    for (std::thread& thread : over) {
        thread.join();
    }
}

// False: the thread is to end.
bool WorkerPool::wait_for_job(std::unique_lock<std::mutex>& lock) {
    const auto has_work = [this] { return stopping_ || !jobs_.empty(); };
    ++waiting_;
    if (!wake_.wait_for(lock, idle_.longest, has_work)) {
        if (threads_.size() > idle_.kept) {
            --waiting_;
            return false;
        }
        wake_.wait(lock, has_work);
    }
    --waiting_;
    return !stopping_;
}

void WorkerPool::work(Threads::iterator self) {
    while (true) {
        std::function<void()> job;
        {
            std::unique_lock lock(mutex_);
            if (!wait_for_job(lock)) {
                if (!stopping_) {
                    ended_.splice(ended_.end(), threads_, self);
                }
                return;
            }
            job = std::move(jobs_.front());
            jobs_.pop_front();
        }
        contained_or_logged("a job", job);
        contained_or_logged("the end of a job", [&] { job = nullptr; });
    }
}

}  // namespace podreeve
