#include "manifests/validate.h"

#include <algorithm>
#include <deque>
#include <filesystem>
#include <tuple>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "manifests/ports.h"
#include "manifests/source.h"
#include "manifests/unit_flaws.h"
#include "runtime/base/nearest.h"

namespace podreeve::manifests {
namespace {

Diagnostic about(const AppSpec& app, std::string path, std::string message) {
    return {{app.file, 0, 0}, std::move(path), std::move(message), "", "", Severity::Error};
}

// podman keeps containers and pods in one name space.
std::vector<std::pair<std::string, std::string>> object_names(const AppSpec& app) {
    std::vector<std::pair<std::string, std::string>> out;  // name, path
    for (const PodSpec& pod : app.pods) {
        out.emplace_back(pod.name, "pod " + pod.name);
    }
    for (const ContainerSpec& container : app.containers) {
        out.emplace_back(container.name, "container " + container.part);
    }
    for (auto& name : names_of_companions(app)) {
        out.push_back(std::move(name));
    }
    return out;
}

std::vector<Port> published_ports(const AppSpec& app) {
    std::vector<Port> out;
    for (const PodSpec& pod : app.pods) {
        out.insert(out.end(), pod.ports.begin(), pod.ports.end());
    }
    for (const ContainerSpec& container : app.containers) {
        out.insert(out.end(), container.ports.begin(), container.ports.end());
    }
    return out;
}

bool is_shareable(const VolumeSpec& volume) {
    return volume.origin == VolumeOrigin::Claim || volume.origin == VolumeOrigin::Plain;
}

bool is_described(const VolumeSpec& volume) {
    return !volume.driver.empty() || !volume.options.empty();
}

// Two apps may use one volume for data, as long as they do not describe it differently; what
// podreeve fills or removes itself belongs to one app.
bool can_share(const VolumeSpec& a, const VolumeSpec& b) {
    if (!is_shareable(a) || !is_shareable(b)) {
        return false;
    }
    return !is_described(a) || !is_described(b) || (a.driver == b.driver && a.options == b.options);
}

// Who has what so far.
class Seats {
  public:
    // What of app is taken already; nothing is taken by asking.
    std::vector<Diagnostic> clashes(const AppSpec& app) const {
        std::vector<Diagnostic> out;
        for (const auto& [name, path] : object_names(app)) {
            if (const auto taken = names_.find(name); taken != names_.end()) {
                out.push_back(about(
                    app, path, fmt::format("the name {} is taken by app {}", name, taken->second)));
            }
        }
        for (const VolumeSpec& volume : app.volumes) {
            check_volume(app, volume, out);
        }
        for (const SecretSpec& secret : app.secrets) {
            if (const auto taken = secrets_.find(secret.name); taken != secrets_.end()) {
                out.push_back(about(
                    app, "Secret " + secret.name,
                    fmt::format("the secret {} is made by app {}", secret.name, taken->second)));
            }
        }
        check_ports(app, out);
        return out;
    }

    void take(const AppSpec& app) {
        for (const auto& [name, path] : object_names(app)) {
            names_.emplace(name, app.name);
        }
        for (const VolumeSpec& volume : app.volumes) {
            volumes_[volume.name].emplace_back(&volume, &app);
        }
        for (const SecretSpec& secret : app.secrets) {
            secrets_.emplace(secret.name, app.name);
        }
        for (const Port& port : published_ports(app)) {
            ports_[port.host_port].emplace_back(port, &app);
        }
    }

  private:
    void check_volume(const AppSpec& app,
                      const VolumeSpec& volume,
                      std::vector<Diagnostic>& out) const {
        const auto users = volumes_.find(volume.name);
        if (users == volumes_.end()) {
            return;
        }
        for (const auto& [other, owner] : users->second) {
            if (!can_share(volume, *other)) {
                out.push_back(about(app, "volume " + volume.name,
                                    fmt::format("app {} has a volume of this name, and it is "
                                                "another one",
                                                owner->name)));
                return;
            }
        }
    }

    void check_ports(const AppSpec& app, std::vector<Diagnostic>& out) const {
        for (const Port& port : published_ports(app)) {
            const auto users = ports_.find(port.host_port);
            if (users == ports_.end()) {
                continue;
            }
            for (const auto& [other, owner] : users->second) {
                if (ports_clash(port, other)) {
                    out.push_back(about(app, "host port " + to_text(port),
                                        fmt::format("is taken by app {}", owner->name)));
                    break;
                }
            }
        }
    }

    std::map<std::string, std::string> names_;  // to the app's
    std::map<std::string, std::vector<std::pair<const VolumeSpec*, const AppSpec*>>> volumes_;
    std::map<std::string, std::string> secrets_;
    std::map<std::uint16_t, std::vector<std::pair<Port, const AppSpec*>>> ports_;
};

void add_services(const std::vector<StartCondition>& conditions, std::vector<Dependency>& out) {
    for (const StartCondition& condition : conditions) {
        if (condition.kind == StartConditionKind::Service) {
            out.push_back({condition.subject, condition.is, condition.position});
        }
        add_services(condition.of, out);
    }
}

// The other apps it waits for, be it for life or only before it starts. What its parts wait for
// among themselves is not looked at: that can be in both directions.
std::vector<Dependency> waits_of(const AppSpec& app) {
    std::vector<Dependency> out;
    for (const Dependency& dependency : app.depends_on) {
        if (dependency.app != app.name || dependency.companion.empty()) {
            out.push_back(dependency);
        }
    }
    for (const CompanionSpec& companion : app.companions) {
        std::copy_if(companion.depends_on.begin(), companion.depends_on.end(),
                     std::back_inserter(out),
                     [&](const Dependency& dependency) { return dependency.app != app.name; });
    }
    add_services(app.conditions, out);
    return out;
}

using Flaws = std::map<std::string, std::vector<Flaw>>;

std::string closest(const std::string& name, const AppsByName& apps) {
    std::vector<std::string> names;
    names.reserve(apps.size());
    for (const auto& [other, spec] : apps) {
        names.push_back(other);
    }
    return nearest_name(name, names);
}

void find_unknown(const AppsByName& apps, const std::set<std::string>& known, Flaws& out) {
    for (const auto& [name, spec] : apps) {
        for (const Dependency& dependency : waits_of(*spec)) {
            const auto found = apps.find(dependency.app);
            if (found != apps.end() && !dependency.companion.empty() &&
                found->second->find_companion(dependency.companion) == nullptr) {
                out[name].push_back({FlawKind::UnknownDependency,
                                     {dependency.position, "depends_on",
                                      fmt::format("app {} has no companion {}", dependency.app,
                                                  dependency.companion),
                                      "", ""}});
            }
            if (found != apps.end() || known.count(dependency.app) > 0) {
                continue;
            }
            out[name].push_back({FlawKind::UnknownDependency,
                                 {dependency.position, "depends_on",
                                  fmt::format("there is no app {}", dependency.app), "",
                                  closest(dependency.app, apps), Severity::Error}});
        }
    }
}

// The apps that can be part of a cycle: what is left when those that wait for none of the rest are
// taken away, again and again.
std::set<std::string> cyclic_apps(const AppsByName& apps) {
    std::map<std::string, std::size_t> waits;
    std::map<std::string, std::vector<std::string>> waited_by;
    std::deque<std::string> free;
    for (const auto& [name, spec] : apps) {
        std::size_t count = 0;
        for (const Dependency& dependency : waits_of(*spec)) {
            if (apps.count(dependency.app) > 0) {
                waited_by[dependency.app].push_back(name);
                ++count;
            }
        }
        waits[name] = count;
        if (count == 0) {
            free.push_back(name);
        }
    }
    while (!free.empty()) {
        const std::string name = std::move(free.front());
        free.pop_front();
        waits.erase(name);
        for (const std::string& waiter : waited_by[name]) {
            if (--waits[waiter] == 0) {
                free.push_back(waiter);
            }
        }
    }
    std::set<std::string> out;
    for (const auto& [name, count] : waits) {
        out.insert(name);
    }
    return out;
}

// The shortest way from an app back to itself, by what each waits for; empty when there is none.
std::vector<std::string> way_back(const std::string& start,
                                  const AppsByName& apps,
                                  const std::set<std::string>& within) {
    std::map<std::string, std::string> came_from;
    std::deque<std::string> queue = {start};
    while (!queue.empty()) {
        const std::string name = std::move(queue.front());
        queue.pop_front();
        for (const Dependency& dependency : waits_of(*apps.at(name))) {
            const std::string next = dependency.app;
            if (next == start) {
                std::vector<std::string> path = {start};
                for (std::string at = name; at != start; at = came_from.at(at)) {
                    path.push_back(at);
                }
                path.push_back(start);
                std::reverse(path.begin(), path.end());
                return path;
            }
            if (within.count(next) > 0 && came_from.emplace(next, name).second) {
                queue.push_back(next);
            }
        }
    }
    return {};
}

void find_cycles(const AppsByName& apps, Flaws& out) {
    const std::set<std::string> within = cyclic_apps(apps);
    for (const std::string& name : within) {
        const std::vector<std::string> path = way_back(name, apps, within);
        if (path.empty()) {
            continue;
        }
        const std::vector<Dependency> waits = waits_of(*apps.at(name));
        const auto first =
            std::find_if(waits.begin(), waits.end(),
                         [&](const Dependency& dependency) { return dependency.app == path[1]; });
        out[name].push_back({FlawKind::Cycle,
                             {first->position, "depends_on",
                              fmt::format("waits for itself: {}", fmt::join(path, " -> ")), "", "",
                              Severity::Error}});
    }
}

std::vector<std::string> order_by_file(const AppsByName& apps) {
    std::vector<std::tuple<std::string, std::string, std::string>> keys;
    for (const auto& [name, spec] : apps) {
        keys.emplace_back(std::filesystem::path(spec->file).filename().string(), spec->file, name);
    }
    std::sort(keys.begin(), keys.end());
    std::vector<std::string> out;
    for (const auto& [base, file, name] : keys) {
        out.push_back(name);
    }
    return out;
}

}  // namespace

std::map<std::string, std::vector<Flaw>> find_flaws(const AppsByName& apps,
                                                    const std::vector<std::string>& order,
                                                    const std::set<std::string>& known) {
    Flaws out;
    Seats seats;
    for (const std::string& name : order) {
        const AppSpec& app = *apps.at(name);
        const std::vector<Diagnostic> clashes = seats.clashes(app);
        if (clashes.empty()) {
            seats.take(app);
        }
        for (const Diagnostic& clash : clashes) {
            out[name].push_back({FlawKind::Clash, clash});
        }
    }
    find_unknown(apps, known, out);
    find_unit_flaws(apps, order, out);
    find_cycles(apps, out);
    return out;
}

std::vector<Diagnostic> find_clashes_within(const AppSpec& app) {
    std::vector<Diagnostic> out;
    std::set<std::string> names;
    for (const auto& [name, path] : object_names(app)) {
        if (!names.insert(name).second) {
            out.push_back(about(app, path,
                                fmt::format("podman would call two things {}: containers and pods "
                                            "share one name space",
                                            name)));
        }
    }
    std::set<std::string> volumes;
    for (const VolumeSpec& volume : app.volumes) {
        if (!volumes.insert(volume.name).second) {
            out.push_back(about(app, "volume " + volume.name, "is declared as two things"));
        }
    }
    const std::vector<Port> ports = published_ports(app);
    for (std::size_t i = 0; i < ports.size(); ++i) {
        const auto clashes = [&](const Port& port) { return ports_clash(port, ports[i]); };
        if (std::any_of(ports.begin(), ports.begin() + static_cast<std::ptrdiff_t>(i), clashes)) {
            out.push_back(about(app, "host port " + to_text(ports[i]), "is published twice"));
        }
    }
    return out;
}

std::map<std::string, std::vector<Diagnostic>> validate_together(
    const AppsByName& apps, const std::set<std::string>& known) {
    std::map<std::string, std::vector<Diagnostic>> out;
    for (auto& [name, flaws] : find_flaws(apps, order_by_file(apps), known)) {
        for (Flaw& flaw : flaws) {
            if (flaw.kind == FlawKind::UnknownDependency) {
                flaw.diagnostic.severity = Severity::Warning;
                flaw.diagnostic.message += " among the files checked";
            }
            out[name].push_back(std::move(flaw.diagnostic));
        }
    }
    return out;
}

}  // namespace podreeve::manifests
