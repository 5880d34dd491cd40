#include "manifests/unit_flaws.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "manifests/companions.h"
#include "quadlet/naming.h"
#include "quadlet/services.h"

namespace podreeve::manifests {
namespace {

// Units are read as if they lay here, so that what Quadlet would look for beside them shows.
constexpr const char* kFolder = "/.podreeve-units";

struct Owner {
    const AppSpec* app;
    const CompanionSpec* companion;
};

// The unit's file, also for a problem in one of its drop-ins.
std::string part_of(const std::string& path) {
    const std::string name = path.substr(std::string_view(kFolder).size() + 1);
    const std::size_t slash = name.find(".d/");
    return name.substr(0, slash);
}

// A bare unit's lines are those of its file; of one within a manifest only the place of the whole
// is known by now.
SourcePosition place_of(const Owner& owner, const SourcePosition& within) {
    const bool bare = owner.companion->position.line == 0;
    const bool own =
        within.file.size() == owner.companion->part.size() + std::string_view(kFolder).size() + 1;
    if (!bare || !own) {
        return owner.companion->position;
    }
    return {owner.companion->position.file, within.line, within.column};
}

class UnitsTogether {
  public:
    UnitsTogether(const AppsByName& apps, const std::vector<std::string>& order) {
        std::set<std::string> services;
        for (const std::string& name : order) {
            for (const CompanionSpec& companion : apps.at(name)->companions) {
                auto unit = unit_of(companion, kFolder);
                if (unit && owners_.count(companion.part) == 0 &&
                    services.insert(quadlet::service_name(*unit, quadlet::kNewestRelease)).second) {
                    owners_.emplace(companion.part, Owner{apps.at(name).get(), &companion});
                    units_.push_back(std::move(*unit));
                }
            }
        }
    }

    void find(std::map<std::string, std::vector<Flaw>>& out) const {
        if (units_.empty()) {
            return;
        }
        const quadlet::Services made = quadlet::make_services(units_, {});
        for (const Diagnostic& problem : made.problems) {
            const auto owner = owners_.find(part_of(problem.position.file));
            if (problem.severity == Severity::Error && owner != owners_.end()) {
                Diagnostic reported = problem;
                reported.position = place_of(owner->second, problem.position);
                reported.path = fmt::format("{}: {}", owner->first, problem.path);
                out[owner->second.app->name].push_back(
                    {FlawKind::UnknownDependency, std::move(reported)});
            }
        }
        for (const quadlet::Service& service : made.services) {
            find_relative_path(service, out);
        }
    }

  private:
    void find_relative_path(const quadlet::Service& service,
                            std::map<std::string, std::vector<Flaw>>& out) const {
        const Owner& owner = owners_.at(service.file_name);
        const std::string beside = std::string(kFolder) + "/";
        for (const quadlet::ServiceCommand& command : service.commands) {
            for (const std::string& argument : command.arguments) {
                const std::size_t at = argument.find(kFolder);
                if (at == std::string::npos) {
                    continue;
                }
                const std::size_t name = argument.find(beside);
                const std::string path =
                    name == std::string::npos ? "." : argument.substr(name + beside.size());
                out[owner.app->name].push_back(
                    {FlawKind::Clash,
                     {owner.companion->position, service.file_name,
                      fmt::format("'{}' is relative to the unit's file, which is installed "
                                  "elsewhere; write the whole path",
                                  path),
                      "", ""}});
                return;
            }
        }
    }

    std::map<std::string, Owner> owners_;  // by file name
    std::vector<quadlet::Unit> units_;
};

}  // namespace

std::vector<std::pair<std::string, std::string>> names_of_companions(const AppSpec& app) {
    std::vector<std::pair<std::string, std::string>> out;
    for (const CompanionSpec& companion : app.companions) {
        const auto unit = unit_of(companion, kFolder);
        const std::string path = "companion " + companion.part;
        if (!unit) {
            continue;
        }
        out.emplace_back(companion.part, path);
        out.emplace_back(quadlet::service_name(*unit, quadlet::kNewestRelease), path);
        const auto made = quadlet::resource_name(*unit, quadlet::kNewestRelease);
        const bool container_or_pod =
            unit->type() == quadlet::UnitType::Container || unit->type() == quadlet::UnitType::Pod;
        if (made && !made->empty() && container_or_pod) {
            out.emplace_back(*made, path);
        }
    }
    return out;
}

void find_unit_flaws(const AppsByName& apps,
                     const std::vector<std::string>& order,
                     std::map<std::string, std::vector<Flaw>>& out) {
    UnitsTogether(apps, order).find(out);
}

}  // namespace podreeve::manifests
