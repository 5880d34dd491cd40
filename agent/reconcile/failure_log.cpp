#include "agent/reconcile/failure_log.h"

#include <fmt/format.h>

namespace podreeve::reconcile {

std::vector<std::string> FailureLog::lines(
    const std::vector<std::pair<std::string, std::string>>& failures) {
    std::map<std::string, std::string> now;
    for (const auto& [app, why] : failures) {
        std::string& all = now[app];
        all += (all.empty() ? "" : "; ") + why;
    }
    std::vector<std::string> lines;
    std::erase_if(known_, [&](const auto& row) {
        const auto& [app, trouble] = row;
        const bool over = !now.contains(app);
        if (over && trouble.times > 1) {
            lines.push_back(
                fmt::format("{}: over, after {} passes: {}", app, trouble.times, trouble.why));
        }
        return over;
    });
    for (auto& [app, why] : now) {
        Trouble& trouble = known_[app];
        if (trouble.why != why) {
            lines.push_back(fmt::format("{}: {}", app, why));
            trouble = {std::move(why), 0};
        }
        ++trouble.times;
    }
    return lines;
}

}  // namespace podreeve::reconcile
