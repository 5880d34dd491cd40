#include "quadlet/check.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <tuple>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "quadlet/keys.h"
#include "quadlet/values.h"
#include "quadlet/words.h"
#include "runtime/base/nearest.h"

namespace podreeve::quadlet {
namespace {

const std::vector<std::string> kInstallKeys = {"Alias", "DefaultInstance", "RequiredBy", "UpheldBy",
                                               "WantedBy"};

std::string needs(const PodmanRelease& since, const PodmanRelease& podman) {
    return fmt::format("needs podman {}; here is {}", to_text(since), to_text(podman));
}

std::vector<std::string> names_of(std::span<const Key> keys, const PodmanRelease& podman) {
    std::vector<std::string> names;
    for (const Key& key : keys) {
        if (key.since <= podman && key.deprecated.empty()) {
            names.emplace_back(key.name);
        }
    }
    return names;
}

// Then it may know keys that the tables here lack.
bool is_newer_than_known(const PodmanRelease& podman) {
    return podman >= PodmanRelease{kNewestRelease.major, kNewestRelease.minor + 1, 0};
}

void check_section_names(const Unit& unit, Findings& findings) {
    const std::vector<std::string> known = {std::string(unit.section()), "Unit", "Service",
                                            "Install", "Quadlet"};
    std::vector<std::string> reported;
    for (const Setting& each : unit.settings()) {
        if (findings.full()) {
            return;
        }
        const std::string& section = each.entry.section;
        // An empty one is what follows a header that could not be read.
        const bool fine = section.empty() || section.starts_with("X-") ||
                          std::find(known.begin(), known.end(), section) != known.end() ||
                          std::find(reported.begin(), reported.end(), section) != reported.end();
        if (fine) {
            continue;
        }
        Diagnostic& found = findings.at_key(each, "unknown section; systemd would skip it");
        found.path = fmt::format("[{}]", section);
        found.allowed = fmt::format("{}, X-…", fmt::join(known, ", "));
        found.nearest = nearest_name(section, known);
        reported.push_back(section);
    }
}

void check_own_value(const Key& key,
                     const Setting& setting,
                     const PodmanRelease& podman,
                     Findings& findings) {
    const std::string& value = setting.entry.value;
    if (auto bad = check_value(key, value)) {
        Diagnostic& found = findings.at_value(setting, std::move(bad->message));
        found.allowed = std::move(bad->allowed);
        found.nearest = std::move(bad->nearest);
        return;
    }
    if (key.kind == ValueKind::Pairs && podman < kBareNames) {
        const auto words = split_words(value);
        const bool bare = std::any_of(words->begin(), words->end(), [](const std::string& word) {
            return word.find('=') == std::string::npos;
        });
        if (bare) {
            findings.at_value(setting, "a name without a value " + needs(kBareNames, podman));
        }
    }
    const bool quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
    if (key.use == Use::Each && quoted) {
        findings.at_value(setting, "Quadlet takes the quotes as a part of the value").severity =
            Severity::Warning;
    }
}

void check_own_setting(const Unit& unit,
                       const Setting& setting,
                       const PodmanRelease& podman,
                       Findings& findings) {
    const Key* key = find_key(unit.type(), setting.entry.key);
    if (key == nullptr) {
        const auto names = names_of(keys_of(unit.type()), podman);
        Diagnostic& found = findings.at_key(setting, "unknown key");
        if (is_newer_than_known(podman)) {
            found.message = fmt::format("unknown to podreeve, which knows podman up to {}.{}",
                                        kNewestRelease.major, kNewestRelease.minor);
            found.severity = Severity::Warning;
        }
        found.allowed = fmt::format("{}", fmt::join(names, ", "));
        found.nearest = nearest_name(setting.entry.key, names);
        return;
    }
    if (key->since > podman) {
        findings.at_key(setting, needs(key->since, podman));
        return;
    }
    if (!key->deprecated.empty()) {
        findings.at_key(setting, fmt::format("deprecated; write {}", key->deprecated)).severity =
            Severity::Warning;
    }
    check_own_value(*key, setting, podman, findings);
}

void check_quadlet_setting(const Setting& setting,
                           const PodmanRelease& podman,
                           Findings& findings) {
    const Key key{"DefaultDependencies", ValueKind::Boolean, Use::Own, "", kDefaultDependencies};
    if (setting.entry.key != key.name) {
        Diagnostic& found = findings.at_key(setting, "unknown key");
        found.allowed = key.name;
        found.nearest = nearest_name(setting.entry.key, {found.allowed});
    } else if (key.since > podman) {
        findings.at_key(setting, needs(key.since, podman));
    } else {
        check_own_value(key, setting, podman, findings);
    }
}

// Quadlet does by itself what `systemctl enable` would; of a few keys alone.
void check_install_setting(const Setting& setting,
                           const PodmanRelease& podman,
                           Findings& findings) {
    const std::string& key = setting.entry.key;
    if (std::find(kInstallKeys.begin(), kInstallKeys.end(), key) == kInstallKeys.end()) {
        Diagnostic& found = findings.at_key(setting, "Quadlet does nothing with this key");
        found.severity = Severity::Warning;
        found.allowed = fmt::format("{}", fmt::join(kInstallKeys, ", "));
        found.nearest = nearest_name(key, kInstallKeys);
    } else if (key == "UpheldBy" && podman < kUpheldBy) {
        findings.at_key(setting, needs(kUpheldBy, podman));
    }
}

void check_unit_setting(const Setting& setting, const PodmanRelease& podman, Findings& findings) {
    const auto& keys = dependency_keys();
    if (podman >= kUnitDependencies ||
        std::find(keys.begin(), keys.end(), setting.entry.key) == keys.end()) {
        return;
    }
    const auto words = split_quoted_words(setting.entry.value);
    for (const std::string& word : words ? *words : std::vector<std::string>()) {
        if (unit_type_of(word)) {
            findings.at_value(setting, fmt::format("'{}' as a dependency {}; name its service",
                                                   word, needs(kUnitDependencies, podman)));
        }
    }
}

void check_setting(const Unit& unit,
                   const Setting& setting,
                   const PodmanRelease& podman,
                   Findings& findings) {
    const std::string& section = setting.entry.section;
    if (section == unit.section()) {
        check_own_setting(unit, setting, podman, findings);
    } else if (section == "Quadlet") {
        check_quadlet_setting(setting, podman, findings);
    } else if (section == "Install") {
        check_install_setting(setting, podman, findings);
    } else if (section == "Unit") {
        check_unit_setting(setting, podman, findings);
    }
}

void check_settings(const Unit& unit, const PodmanRelease& podman, Findings& findings) {
    check_section_names(unit, findings);
    for (const Setting& setting : unit.settings()) {
        if (findings.full()) {
            return;
        }
        check_setting(unit, setting, podman, findings);
    }
}

std::vector<Diagnostic> in_order(const Unit& unit, std::vector<Diagnostic> problems) {
    const std::vector<std::string>& paths = unit.paths();
    const auto place = [&](const Diagnostic& each) {
        return std::tuple(std::find(paths.begin(), paths.end(), each.position.file) - paths.begin(),
                          each.position.line, each.position.column);
    };
    std::stable_sort(problems.begin(), problems.end(),
                     [&](const Diagnostic& a, const Diagnostic& b) { return place(a) < place(b); });
    return problems;
}

}  // namespace

const std::vector<std::string>& dependency_keys() {
    static const std::vector<std::string> keys = {"After",
                                                  "Before",
                                                  "BindsTo",
                                                  "Conflicts",
                                                  "OnFailure",
                                                  "OnSuccess",
                                                  "PartOf",
                                                  "PropagatesReloadTo",
                                                  "PropagatesStopTo",
                                                  "ReloadPropagatedFrom",
                                                  "Requires",
                                                  "Requisite",
                                                  "StopPropagatedFrom",
                                                  "Upholds",
                                                  "Wants"};
    return keys;
}

Diagnostic& Findings::add(const Setting& setting, Position position, std::string message) {
    found_.push_back({{unit_.path_of(setting), position.line, position.column},
                      fmt::format("[{}] {}", setting.entry.section, setting.entry.key),
                      std::move(message),
                      "",
                      ""});
    return found_.back();
}

Diagnostic& Findings::at_key(const Setting& setting, std::string message) {
    return add(setting, setting.entry.key_at, std::move(message));
}

Diagnostic& Findings::at_value(const Setting& setting, std::string message) {
    return add(setting, setting.entry.value_at, std::move(message));
}

Diagnostic& Findings::at(std::string_view key, std::string message) {
    const Setting* setting = unit_.find(unit_.section(), key);
    if (setting != nullptr) {
        return at_value(*setting, std::move(message));
    }
    Diagnostic& found = at_file(std::move(message));
    found.path = fmt::format("[{}] {}", unit_.section(), key);
    return found;
}

Diagnostic& Findings::at_file(std::string message) {
    found_.push_back({{unit_.path()}, "", std::move(message), "", ""});
    return found_.back();
}

std::vector<Diagnostic> check(const Unit& unit, const PodmanRelease& podman) {
    Findings findings(unit);
    if (first_release(unit.type()) > podman) {
        findings.at_file(fmt::format("a {} file {}", extension(unit.type()),
                                     needs(first_release(unit.type()), podman)));
        return findings.take();
    }
    check_settings(unit, podman, findings);
    if (!findings.full()) {
        check_combinations(unit, podman, findings);
    }
    return in_order(unit, findings.take());
}

std::vector<Diagnostic> problems_of(const Unit::Read& read, const PodmanRelease& podman) {
    if (read.unit) {
        return check(*read.unit, podman);
    }
    std::vector<Diagnostic> problems = read.problems;
    if (read.fragment) {
        // What may be missing only because it could not be read is not asked for.
        Findings findings(*read.fragment);
        check_settings(*read.fragment, podman, findings);
        std::vector<Diagnostic> found = findings.take();
        std::move(found.begin(), found.end(), std::back_inserter(problems));
        problems = in_order(*read.fragment, std::move(problems));
    }
    return problems;
}

}  // namespace podreeve::quadlet
