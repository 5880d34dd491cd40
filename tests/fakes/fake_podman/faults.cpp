#include "tests/fakes/fake_podman/faults.h"

#include <chrono>

namespace podreeve::fakes {
namespace {

bool fits(const std::string& wanted,
          const std::regex& pattern,
          const std::string& method,
          const std::string& path) {
    return (wanted.empty() || wanted == method) && std::regex_search(path, pattern);
}

}  // namespace

Faults::Rule Faults::take(const std::string& method, const std::string& path) {
    for (auto it = rules_.begin(); it != rules_.end(); ++it) {
        if (fits(it->method, it->path, method, path)) {
            const Rule rule = *it;
            if (--it->times == 0) {
                rules_.erase(it);
            }
            return rule;
        }
    }
    return {};
}

void Faults::set_delay(const std::string& method, const std::string& path, Duration duration) {
    std::erase_if(delays_, [&](const Delay& d) { return d.method == method && d.text == path; });
    if (duration > Duration::zero()) {
        delays_.push_back({method, path, std::regex(path), duration});
    }
}

bool Faults::delay(const std::string& method, const std::string& path, Routed& routed) {
    Duration duration = Duration::zero();
    for (const Delay& delay : delays_) {
        duration = fits(delay.method, delay.path, method, path) ? std::max(duration, delay.duration)
                                                                : duration;
    }
    const SystemClock clock;
    const SteadyTime end = clock.steady_now() + duration;
    while (duration > Duration::zero() && clock.steady_now() < end) {
        if (!routed.wait()) {
            return false;
        }
    }
    return true;
}

void Faults::hang(Routed& routed) {
    ++hung_;
    const std::size_t releases = releases_;
    routed.engine.changed.notify_all();
    while (releases == releases_ && routed.wait()) {
    }
    --hung_;
    routed.engine.changed.notify_all();
}

}  // namespace podreeve::fakes
