#include "manifests/removal_guard.h"

namespace podreeve::manifests {

std::set<std::string> RemovalGuard::evaluate(const Asked& asked) {
    std::erase_if(held_, [&](const std::string& app) {
        return !asked.wanted.contains(app) || asked.allowed.contains(app);
    });
    std::erase_if(done_, [&](const Removal& removal) {
        return removal.when + kWindow <= asked.now || asked.there.contains(removal.app);
    });
    std::set<std::string> fresh;
    for (const std::string& app : asked.wanted) {
        if (!held_.contains(app) && !asked.allowed.contains(app)) {
            fresh.insert(app);
        }
    }
    if (asked.unclear) {
        fresh.insert(held_.begin(), held_.end());
        return fresh;
    }
    for (const Removal& removal : done_) {
        fresh.erase(removal.app);  // counted already, and not carried out yet
    }
    const std::size_t before = done_.empty() ? asked.before : done_.front().before;
    const std::size_t all = done_.size() + held_.size() + fresh.size();
    if (!fresh.empty() && all >= kFew && 2 * all > before) {
        held_.insert(fresh.begin(), fresh.end());
        fresh.clear();
    }
    for (const std::string& app : fresh) {
        done_.push_back({app, asked.now, asked.before});
    }
    return held_;
}

}  // namespace podreeve::manifests
