#include "runtime/base/disk_waits.h"

#include <utility>

#include <fmt/format.h>

#include "runtime/base/log.h"
#include "runtime/base/thread.h"

namespace podreeve {

DiskWaits::Wait::~Wait() {
    if (of_ != nullptr) {
        of_->end(begun_);
    }
}

DiskWaits::DiskWaits(const Clock& clock, std::string what, Duration turn)
    : clock_(clock), what_(std::move(what)), turn_(turn) {}

DiskWaits::~DiskWaits() = default;

DiskWaits::Wait DiskWaits::begin() {
    const std::lock_guard lock(mutex_);
    begun_.push_back(clock_.steady_now());
    if (turn_ != Duration::zero() && !watching_) {
        // One that cannot be begun now is with the next wait.
        contained_or_logged("watching a disk", [this] { watch(); });
    }
    return {this, std::prev(begun_.end())};
}

// The thread before has said its last, and holds no lock any more.
void DiskWaits::watch() {
    thread_ =
        begin_stoppable("watching a disk", [this](std::stop_token stop) { work(std::move(stop)); });
    watching_ = true;
}

void DiskWaits::end(std::list<SteadyTime>::iterator begun) {
    const std::lock_guard lock(mutex_);
    const Duration waited = clock_.steady_now() - *begun;
    begun_.erase(begun);
    if (reported_ && longest().value_or(Duration::zero()) < kUsual) {
        reported_ = given_up_ = false;
        log::info("the disk of {} answers again, after {}", what_, to_short_text(waited));
    }
}

std::optional<Duration> DiskWaits::longest() const {
    return begun_.empty() ? std::nullopt : std::optional(clock_.steady_now() - begun_.front());
}

std::string DiskWaits::words(Duration waited) const {
    return fmt::format(
        "the disk of {} has not answered for {}; what runs goes on, and nothing is started, "
        "stopped or repaired until it does",
        what_, to_short_text(waited));
}

std::string DiskWaits::trouble() const {
    const std::lock_guard lock(mutex_);
    const auto waited = longest();
    return waited && *waited >= kUsual ? words(*waited) : "";
}

void DiskWaits::on_turn(std::function<void()> callback) {
    const std::lock_guard lock(mutex_);
    callback_ = std::move(callback);
}

void DiskWaits::look() {
    std::function<void()> callback;
    {
        const std::lock_guard lock(mutex_);
        const auto waited = longest();
        if (waited && *waited >= kUsual && !std::exchange(reported_, true)) {
            log::warn("{}", words(*waited));
        }
        if (waited && *waited < kLongest) {
            callback = callback_;
        } else if (waited && !std::exchange(given_up_, true)) {
            log::error("{}; systemd may end the agent for it now", words(*waited));
        }
    }
    if (callback) {
        callback();
    }
}

void DiskWaits::work(std::stop_token stop) {
    std::unique_lock lock(mutex_);
    while (true) {
        stopped_.wait_for(lock, stop, turn_, [] { return false; });
        if (begun_.empty() || stop.stop_requested()) {
            watching_ = false;
            return;
        }
        lock.unlock();
        contained_or_logged("watching a disk", [this] { look(); });
        lock.lock();
    }
}

}  // namespace podreeve
