#include "agent/supervise/decide/shutdown_order.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

namespace podreeve::supervise {
namespace {

using manifests::Dependency;
using manifests::DependencyKind;
using manifests::LossPolicy;

// It needs the other to be up, not to have ended.
bool needs_alive(const Dependency& dependency) {
    return dependency.is == DependencyKind::Started || dependency.is == DependencyKind::Healthy;
}

bool needs(const DownFacts& app, const std::string& provider) {
    return std::any_of(app.depends_on.begin(), app.depends_on.end(),
                       [&](const Dependency& on) { return on.app == provider && needs_alive(on); });
}

// Why its policy takes it down for what has become of one that it depends on.
std::string loss_of(const DownFacts& app, const Dependency& on, const DownFacts& provider) {
    const bool met = on.is == DependencyKind::Healthy ? provider.met_healthy : provider.met_started;
    if (on.policy == LossPolicy::Stop && !met) {
        return fmt::format("{} is not {} any more", on.app, to_string(on.is));
    }
    if (on.policy == LossPolicy::Restart && met && app.first_start != 0 &&
        provider.last_start > app.first_start) {
        return fmt::format("{} was restarted", on.app);
    }
    return {};
}

// Why it follows one that is wanted down.
std::string follows(const Dependency& on,
                    const DownTable& apps,
                    const std::map<std::string, std::string>& down) {
    const auto provider = apps.find(on.app);
    const auto why = down.find(on.app);
    if (provider == apps.end() || !needs_alive(on)) {
        return {};
    }
    const DownFacts& facts = provider->second;
    const bool takes_along =
        facts.with_dependents && (!facts.stays || on.policy == LossPolicy::Stop);
    return why != down.end() && takes_along ? fmt::format("{} is down: {}", on.app, why->second)
                                            : std::string();
}

std::string own_reason(const DownFacts& app, const DownTable& apps) {
    if (!app.asked.empty()) {
        return app.asked;
    }
    for (const Dependency& on : app.depends_on) {
        const auto provider = apps.find(on.app);
        if (provider == apps.end() || !needs_alive(on) || !app.runs) {
            continue;
        }
        if (std::string why = loss_of(app, on, provider->second); !why.empty()) {
            return why;
        }
    }
    return {};
}

std::string inherited_reason(const DownFacts& app,
                             const DownTable& apps,
                             const std::map<std::string, std::string>& down) {
    for (const Dependency& on : app.depends_on) {
        if (std::string why = follows(on, apps, down); !why.empty()) {
            return why;
        }
    }
    return {};
}

// All that one of these needs, but itself.
std::set<std::string> needed_by(const DownTable& apps, const std::set<std::string>& names) {
    std::set<std::string> needed;
    for (const std::string& name : names) {
        const auto app = apps.find(name);
        if (app == apps.end()) {
            continue;
        }
        for (const Dependency& on : app->second.depends_on) {
            if (on.app != name && needs_alive(on)) {
                needed.insert(on.app);
            }
        }
    }
    return needed;
}

}  // namespace

std::map<std::string, std::string> going_down(const DownTable& apps) {
    std::map<std::string, std::string> down;
    for (const auto& [name, app] : apps) {
        if (std::string why = own_reason(app, apps); !why.empty()) {
            down[name] = std::move(why);
        }
    }
    // Only what was asked for is passed on: a loss has been weighed above, by each one's policy.
    std::map<std::string, std::string> asked;
    for (const auto& [name, app] : apps) {
        if (!app.asked.empty()) {
            asked[name] = app.asked;
        }
    }
    for (bool grown = true; grown;) {
        grown = false;
        for (const auto& [name, app] : apps) {
            if (asked.contains(name)) {
                continue;
            }
            if (std::string why = inherited_reason(app, apps, asked); !why.empty()) {
                down.emplace(name, why);
                asked[name] = std::move(why);
                grown = true;
            }
        }
    }
    return down;
}

std::map<std::string, std::string> stops_that_wait(const DownTable& apps,
                                                   const std::set<std::string>& down) {
    std::map<std::string, std::string> waits;
    for (const std::string& name : down) {
        std::string names;
        for (const auto& [other, app] : apps) {
            if (other != name && down.contains(other) && app.runs && !app.abandoned &&
                needs(app, name)) {
                names += (names.empty() ? "" : ", ") + other;
            }
        }
        if (!names.empty()) {
            waits[name] = fmt::format("waits until {} has stopped", names);
        }
    }
    return waits;
}

std::set<std::string> with_dependents(const DownTable& apps, const std::set<std::string>& names) {
    std::set<std::string> all = names;
    for (bool grown = true; grown;) {
        grown = false;
        for (const auto& [name, app] : apps) {
            const bool follows_one =
                std::any_of(all.begin(), all.end(),
                            [&, &app = app](const std::string& one) { return needs(app, one); });
            grown = (follows_one && all.insert(name).second) || grown;
        }
    }
    return all;
}

std::vector<std::vector<std::string>> stop_levels(const DownTable& apps,
                                                  const std::set<std::string>& names) {
    std::vector<std::vector<std::string>> levels;
    std::set<std::string> rest = names;
    while (!rest.empty()) {
        const std::set<std::string> needed = needed_by(apps, rest);
        std::vector<std::string> level;
        std::set_difference(rest.begin(), rest.end(), needed.begin(), needed.end(),
                            std::back_inserter(level));
        if (level.empty()) {  // a cycle, which no manifest that was accepted has
            level.assign(rest.begin(), rest.end());
        }
        for (const std::string& name : level) {
            rest.erase(name);
        }
        levels.push_back(std::move(level));
    }
    return levels;
}

}  // namespace podreeve::supervise
