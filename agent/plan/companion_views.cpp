#include "agent/plan/companion_views.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "manifests/companions.h"
#include "quadlet/names.h"
#include "quadlet/naming.h"
#include "quadlet/stamp.h"

namespace podreeve::plan {
namespace {

using manifests::AppSpec;
using manifests::CompanionSpec;
using ServicesByPart = std::map<std::string, std::vector<std::string>>;  // by part

// The stamp's hash is of the text as it comes out of the stamping.
std::string stamp_hash(const std::string& text, const std::string& app) {
    const auto whole = quadlet::stamped(text, app, 1);
    const auto stamp = whole ? quadlet::read_stamp(*whole) : std::nullopt;
    return stamp && *stamp ? (*stamp)->hash : std::string();
}

std::vector<std::string> running_services(const CompanionSpec& companion,
                                          const quadlet::Unit& unit,
                                          const quadlet::PodmanRelease& podman) {
    const std::string service = quadlet::service_name(unit, podman);
    if (!unit.name().templated || !unit.name().instance.empty()) {
        return {service};
    }
    std::vector<std::string> out;
    for (const std::string& instance : companion.instances) {
        if (auto name = quadlet::instance_of(service, instance)) {
            out.push_back(std::move(*name));
        }
    }
    return out;
}

// Does its work and is done: what a systemd unit with Type=oneshot does, and a build.
bool does_one_thing(const quadlet::Unit& unit) {
    using quadlet::UnitType;
    return unit.type() == UnitType::Build ||
           ((unit.type() == UnitType::Container || unit.type() == UnitType::Kube) &&
            unit.value("Service", "Type") == "oneshot");
}

// systemd forgets a unit that is done and not active: that it ran could not be told from that it
// never did. The author's own word on it stands.
void evaluate_end(const quadlet::Unit& unit, CompanionView& view) {
    const auto own = unit.value("Service", "RemainAfterExit");
    view.one_shot = does_one_thing(unit);
    view.remains = view.one_shot && !own;
    view.ends = view.one_shot && own && !unit.flag("Service", "RemainAfterExit").value_or(false);
}

class Viewer {
  public:
    Viewer(const AppSpecs& specs, const quadlet::Target& target, std::string folder)
        : specs_(specs), target_(target), folder_(std::move(folder)) {}

    CompanionViews view() {
        for (const auto& [name, spec] : specs_) {
            for (const CompanionSpec& companion : spec->companions) {
                take(name, companion);
            }
        }
        for (const auto& [name, spec] : specs_) {
            for (const CompanionSpec& companion : spec->companions) {
                list_files(companion);
            }
        }
        add_services();
        views_.specs = specs_;
        views_.target = target_;
        return std::move(views_);
    }

  private:
    void take(const std::string& app, const CompanionSpec& companion) {
        CompanionView& view = views_.by_part[companion.part];
        view.app = app;
        auto unit = manifests::unit_of(companion, fmt::format("{}/{}", folder_, app));
        if (!unit) {
            view.wrong.push_back("the unit file cannot be read");
            return;
        }
        view.type = unit->type();
        view.services = running_services(companion, *unit, target_.podman);
        services_[companion.part] = view.services;
        evaluate_end(*unit, view);
        units_.push_back(std::move(*unit));
    }

    void list_files(const CompanionSpec& companion) {
        CompanionView& view = views_.by_part.at(companion.part);
        view.files.push_back({"", stamp_hash(companion.text, view.app)});
        for (const manifests::UnitDropIn& drop_in : companion.drop_ins) {
            view.files.push_back({drop_in.name, stamp_hash(drop_in.text, view.app)});
        }
        view.own_drop_in = own_drop_in(companion, services_, view.remains);
        if (!view.own_drop_in.empty()) {
            view.files.push_back({quadlet::kOwnDropIn, stamp_hash(view.own_drop_in, view.app)});
        }
    }

    void add_services() {
        const quadlet::Services made = quadlet::make_services(units_, target_);
        for (const Diagnostic& problem : made.problems) {
            if (problem.severity == Severity::Error) {
                if (CompanionView* view = view_at(problem.position.file)) {
                    view->wrong.push_back(to_text(problem));
                }
            }
        }
        for (const quadlet::Service& service : made.services) {
            CompanionView& view = views_.by_part.at(service.file_name);
            view.resource = service.resource;
            view.uses = service.uses;
        }
    }

    // path: of a unit, or of one of its drop-ins.
    CompanionView* view_at(const std::string& path) {
        std::string file = path.substr(0, path.find(".d/"));
        file = file.substr(file.rfind('/') + 1);
        const auto it = views_.by_part.find(file);
        return it == views_.by_part.end() ? nullptr : &it->second;
    }

    const AppSpecs& specs_;
    const quadlet::Target& target_;
    std::string folder_;
    std::vector<quadlet::Unit> units_;
    ServicesByPart services_;
    CompanionViews views_;
};

AppSpecs with_companions(const AppSpecs& specs) {
    AppSpecs out;
    for (const auto& [name, spec] : specs) {
        if (!spec->companions.empty()) {
            out.emplace(name, spec);
        }
    }
    return out;
}

bool is_same(const quadlet::Target& a, const quadlet::Target& b) {
    return a.podman == b.podman && a.user == b.user;
}

}  // namespace

const CompanionView* CompanionViews::find(const std::string& part) const {
    const auto it = by_part.find(part);
    return it == by_part.end() ? nullptr : &it->second;
}

std::string own_drop_in(const CompanionSpec& companion,
                        const std::map<std::string, std::vector<std::string>>& services,
                        bool remains) {
    std::vector<std::string> required;
    for (const manifests::Dependency& on : companion.depends_on) {
        const auto found = services.find(on.companion);
        const bool while_it_runs = on.is == manifests::DependencyKind::Started ||
                                   on.is == manifests::DependencyKind::Healthy;
        if (!on.companion.empty() && while_it_runs && found != services.end()) {
            required.insert(required.end(), found->second.begin(), found->second.end());
        }
    }
    std::string text;
    if (!required.empty()) {
        text += fmt::format("[Unit]\nRequires={0}\nAfter={0}\n", fmt::join(required, " "));
    }
    if (remains) {
        text += "[Service]\nRemainAfterExit=yes\n";
    }
    if (!companion.instances.empty()) {
        text += fmt::format("[{}]\nNames={}\n", observe::kInstanceSection,
                            fmt::join(companion.instances, " "));
    }
    return text;
}

Result<UnitTexts> unit_texts(const CompanionSpec& companion,
                             const std::string& app,
                             std::uint64_t generation,
                             const std::string& owner,
                             const std::string& own_drop_in) {
    UnitTexts out;
    const std::string folder = companion.part + ".d/";
    ASSIGN_OR_RETURN(out[companion.part], quadlet::stamped(companion.text, app, generation, owner));
    for (const manifests::UnitDropIn& drop_in : companion.drop_ins) {
        ASSIGN_OR_RETURN(out[folder + drop_in.name],
                         quadlet::stamped(drop_in.text, app, generation, owner));
    }
    if (!own_drop_in.empty()) {
        ASSIGN_OR_RETURN(out[folder + quadlet::kOwnDropIn],
                         quadlet::stamped(own_drop_in, app, generation, owner));
    }
    return out;
}

CompanionViews view_companions(const AppSpecs& specs,
                               const quadlet::Target& target,
                               const std::string& folder,
                               const CompanionViews& former) {
    const AppSpecs wanted = with_companions(specs);
    if (wanted == former.specs && is_same(target, former.target)) {
        return former;
    }
    return Viewer(wanted, target, folder).view();
}

}  // namespace podreeve::plan
