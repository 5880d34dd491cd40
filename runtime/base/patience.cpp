#include "runtime/base/patience.h"

#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "runtime/base/thread.h"

namespace podreeve {
namespace {

// Threads that hang on one subject.
constexpr int kMostHanging = 32;
// After so many tries it is asked about less often.
constexpr int kOftenTries = 6, kSeldom = 30;

struct Hanging {
    int jobs = 0;
    SteadyTime next_try{};
};

struct Job {
    std::string subject;
    std::function<void()> work;
    std::exception_ptr thrown = nullptr;
    bool ended = false;
};

}  // namespace

// Shared with its thread, which is left behind when a job hangs, and ends when that does.
struct Patience::Core {
    Core(Duration how_long, Duration when_again) : limit(how_long), again(when_again) {}

    void work(std::stop_token stop);
    bool refuses(const std::string& subject) const;
    void give_up(const std::string& subject);
    void note_end(const std::string& subject);

    Duration limit, again;
    std::mutex turn;  // one asker at a time: the others wait as they would for the disk
    std::mutex mutex;
    std::condition_variable_any changed;
    std::shared_ptr<Job> next;               // what the thread is to do
    std::map<std::string, Hanging> hanging;  // by subject: the jobs that were given up
    std::jthread thread;
};

void Patience::Core::work(std::stop_token stop) {
    std::unique_lock lock(mutex);
    while (changed.wait(lock, stop, [this] { return next != nullptr; })) {
        const std::shared_ptr<Job> job = std::exchange(next, nullptr);
        lock.unlock();
        try {
            job->work();
        } catch (...) {
            job->thrown = std::current_exception();
        }
        lock.lock();
        job->ended = true;
        if (stop.stop_requested()) {
            note_end(job->subject);
            return;
        }
        changed.notify_all();
    }
}

bool Patience::Core::refuses(const std::string& subject) const {
    const auto found = hanging.find(subject);
    return found != hanging.end() && (found->second.jobs >= kMostHanging ||
                                      std::chrono::steady_clock::now() < found->second.next_try);
}

void Patience::Core::give_up(const std::string& subject) {
    Hanging& row = hanging[subject];
    ++row.jobs;
    row.next_try =
        std::chrono::steady_clock::now() + again * (row.jobs > kOftenTries ? kSeldom : 1);
    thread.request_stop();
    thread.detach();
}

// It answers again, so whatever hangs there still will, too.
void Patience::Core::note_end(const std::string& subject) {
    const auto found = hanging.find(subject);
    if (found != hanging.end()) {
        --found->second.jobs;
        found->second.next_try = {};
        if (found->second.jobs == 0) {
            hanging.erase(found);
        }
    }
}

Patience::Patience(Duration limit, Duration again) : core_(std::make_shared<Core>(limit, again)) {}

Patience::~Patience() {
    const std::lock_guard lock(core_->mutex);
    core_->thread.request_stop();
    if (core_->thread.joinable()) {
        core_->thread.detach();
    }
}

bool Patience::run(const std::string& subject, std::function<void()> work) {
    if (core_->limit == Duration{}) {
        work();
        return true;
    }
    const std::lock_guard turn(core_->turn);
    std::unique_lock lock(core_->mutex);
    if (core_->refuses(subject)) {
        return false;
    }
    if (!core_->thread.joinable()) {
        core_->thread =
            begin_stoppable("the one who asks file systems",
                            [core = core_](std::stop_token stop) { core->work(std::move(stop)); });
    }
    const auto job = std::make_shared<Job>(Job{subject, std::move(work)});
    core_->next = job;
    core_->changed.notify_all();
    if (!core_->changed.wait_for(lock, core_->limit, [&] { return job->ended; })) {
        if (core_->next == job) {  // not even begun: the machine is busy
            core_->next = nullptr;
            return false;
        }
        core_->give_up(subject);
        return false;
    }
    if (job->thrown) {
        std::rethrow_exception(job->thrown);
    }
    return true;
}

}  // namespace podreeve
