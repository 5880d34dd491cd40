#include "runtime/loop/debounce.h"

#include <algorithm>
#include <utility>

namespace podreeve::loop {

Debounce::Debounce(
    Clock& clock, Scheduler& scheduler, Duration quiet, Duration longest, std::function<void()> fn)
    : clock_(clock), scheduler_(scheduler), quiet_(quiet), longest_(longest), fn_(std::move(fn)) {}

// A touch while the timer runs only notes the time: a burst costs one timer, not one each.
void Debounce::touch() {
    last_ = clock_.steady_now();
    if (!std::exchange(waiting_, true)) {
        first_ = last_;
        timer_ = scheduler_.after(std::min(quiet_, longest_), [this] { look(); });
    }
}

void Debounce::look() {
    const SteadyTime now = clock_.steady_now();
    const SteadyTime due = std::min(last_ + quiet_, first_ + longest_);
    if (now < due) {
        timer_ = scheduler_.after(due - now, [this] { look(); });
        return;
    }
    waiting_ = false;
    fn_();
}

}  // namespace podreeve::loop
