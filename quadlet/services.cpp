#include "quadlet/services.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "quadlet/check.h"
#include "quadlet/conversion.h"
#include "quadlet/naming.h"

namespace podreeve::quadlet {
namespace {

// A unit with no errors of its own; what it depends on is yet to be seen.
struct UnitCandidate {
    const Unit* unit;
    std::string service;
};

void report_clash(const Unit& unit, std::string message, std::vector<Diagnostic>& problems) {
    problems.push_back({{unit.path()}, "", std::move(message), "", ""});
}

// The units that are sound and have a file name and a service of their own.
std::vector<UnitCandidate> sound_units(const std::vector<Unit>& units,
                                       const Target& target,
                                       std::vector<Diagnostic>& problems) {
    std::vector<UnitCandidate> sound;
    std::set<std::string> file_names;
    std::map<std::string, const Unit*> services;
    for (const Unit& unit : units) {
        std::vector<Diagnostic> found = check(unit, target.podman);
        const bool broken = has_errors(found);
        std::move(found.begin(), found.end(), std::back_inserter(problems));
        if (!file_names.insert(unit.file_name()).second) {
            report_clash(unit, fmt::format("there is another '{}'", unit.file_name()), problems);
            continue;
        }
        if (broken) {
            continue;
        }
        const std::string service = service_name(unit, target.podman);
        const auto [other, fresh] = services.emplace(service, &unit);
        if (!fresh) {
            report_clash(unit,
                         fmt::format("its service would be {}, as that of {}", service,
                                     other->second->path()),
                         problems);
            continue;
        }
        sound.push_back({&unit, service});
    }
    return sound;
}

References references_of(const std::vector<UnitCandidate>& units, const Target& target) {
    References references;
    for (const UnitCandidate& each : units) {
        references[each.unit->file_name()] = {each.service,
                                              name_in_references(*each.unit, target.podman)};
    }
    return references;
}

// Quadlet puts its own dependencies before those of the file, so that an empty assignment there
// takes them back, unless it has rewritten the key because another unit's file is named in it.
bool is_taken_back(const Conversion& c, std::string_view key) {
    const auto& settings = c.unit().settings();
    const bool emptied = std::any_of(settings.begin(), settings.end(), [&](const Setting& each) {
        return each.entry.section == "Unit" && each.entry.key == key && each.entry.value.empty();
    });
    const std::vector<std::string> words = c.unit().words("Unit", key);
    const bool rewritten = !c.before(kUnitDependencies) &&
                           std::any_of(words.begin(), words.end(), [](const std::string& word) {
                               return unit_type_of(word).has_value();
                           });
    return emptied && !rewritten;
}

void add_default_dependencies(Conversion& c) {
    if (!c.unit().flag("Quadlet", "DefaultDependencies").value_or(true)) {
        return;
    }
    const bool own = c.target().user && !c.before(kUserNetwork);
    const char* network = own ? "podman-user-wait-network-online.service" : "network-online.target";
    for (const std::string_view key : {"Wants", "After"}) {
        if (!is_taken_back(c, key)) {
            c.depend(key, network);
        }
    }
}

// What [Unit] says itself, other units' files replaced by their services.
void add_written_dependencies(Conversion& c) {
    for (const std::string& key : dependency_keys()) {
        const Setting* setting = c.unit().find("Unit", key);
        for (const std::string& word : c.unit().words("Unit", key)) {
            if (!unit_type_of(word) || c.before(kUnitDependencies)) {
                c.depend(key, word);
            } else if (const Reference* reference = c.refer(word, setting)) {
                c.depend(key, reference->service);
            }
        }
    }
    for (const std::string& path : c.unit().words("Unit", "RequiresMountsFor")) {
        c.depend("RequiresMountsFor", path);
    }
}

void convert_type(Conversion& c) {
    switch (c.unit().type()) {
        case UnitType::Container:
            return convert_container(c);
        case UnitType::Pod:
            return convert_pod(c);
        case UnitType::Kube:
            return convert_kube(c);
        case UnitType::Volume:
            return convert_volume(c);
        case UnitType::Network:
            return convert_network(c);
        case UnitType::Image:
            return convert_image(c);
        case UnitType::Build:
            return convert_build(c);
    }
}

bool is_one_shot(const Unit& unit) {
    const std::string type = unit.value("Service", "Type").value_or("");
    switch (unit.type()) {
        case UnitType::Container:
        case UnitType::Kube:
            return type == "oneshot";
        case UnitType::Pod:
            return false;
        default:
            return type.empty() || type == "oneshot";
    }
}

Service make_service(const UnitCandidate& candidate,
                     const Target& target,
                     const References& references,
                     std::vector<Diagnostic>& problems) {
    const Unit& unit = *candidate.unit;
    Service service;
    service.file_name = unit.file_name();
    service.type = unit.type();
    service.name = candidate.service;
    service.resource = resource_name(unit, target.podman).value_or("");
    service.default_instance = unit.value("Install", "DefaultInstance").value_or("");
    service.wanted_by = unit.words("Install", "WantedBy");
    service.required_by = unit.words("Install", "RequiredBy");
    service.one_shot = is_one_shot(unit);
    Conversion conversion(unit, target, references, service, problems);
    add_default_dependencies(conversion);
    add_written_dependencies(conversion);
    conversion.depend("RequiresMountsFor", "%t/containers");
    convert_type(conversion);
    return service;
}

// A pod starts the containers in it, and before them.
void start_with_pods(const std::vector<UnitCandidate>& units, std::vector<Service>& services) {
    for (const UnitCandidate& each : units) {
        const Unit& unit = *each.unit;
        const std::string pod = unit.value("Container", "Pod").value_or("");
        const bool made = find_service(services, unit.file_name()) != nullptr;
        if (!made || unit.type() != UnitType::Container || pod.empty() ||
            !unit.flag("Container", "StartWithPod").value_or(true)) {
            continue;
        }
        for (Service& service : services) {
            if (service.file_name == pod) {
                service.dependencies["Wants"].push_back(each.service);
                service.dependencies["Before"].push_back(each.service);
            }
        }
    }
}

}  // namespace

Services make_services(const std::vector<Unit>& units, const Target& target) {
    Services made;
    const std::vector<UnitCandidate> sound = sound_units(units, target, made.problems);
    const References references = references_of(sound, target);
    for (const UnitCandidate& each : sound) {
        std::vector<Diagnostic> problems;
        Service service = make_service(each, target, references, problems);
        if (!has_errors(problems)) {
            made.services.push_back(std::move(service));
        }
        std::move(problems.begin(), problems.end(), std::back_inserter(made.problems));
    }
    start_with_pods(sound, made.services);
    return made;
}

const Service* find_service(const std::vector<Service>& services, std::string_view name) {
    const auto found = std::find_if(services.begin(), services.end(), [&](const Service& each) {
        return each.file_name == name || each.name == name;
    });
    return found == services.end() ? nullptr : &*found;
}

}  // namespace podreeve::quadlet
