#include "manifests/kube/metadata.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "manifests/conditions.h"
#include "manifests/names.h"
#include "manifests/words.h"
#include "runtime/base/nearest.h"

namespace podreeve::manifests::kube {
namespace {

constexpr std::string_view kOwnPrefix = "podreeve.io/";
constexpr std::string_view kOwnLabelPrefix = "io.podreeve.";

bool starts_with(std::string_view text, std::string_view prefix) {
    return text.substr(0, prefix.size()) == prefix;
}

std::string_view trimmed(std::string_view text) {
    const std::size_t start = text.find_first_not_of(" \t\n");
    if (start == std::string_view::npos) {
        return {};
    }
    return text.substr(start, text.find_last_not_of(" \t\n") - start + 1);
}

bool is_one_of(const Place& place,
               const std::string& word,
               const std::vector<std::string>& words,
               const char* complaint) {
    if (std::find(words.begin(), words.end(), word) != words.end()) {
        return true;
    }
    place.fail(fmt::format("'{}' {}", word, complaint), fmt::format("{}", fmt::join(words, ", ")),
               nearest_name(word, words));
    return false;
}

void read_dependency(const Place& place, std::string_view item, std::vector<Dependency>& out) {
    Dependency dependency;
    dependency.position = place.position();
    if (const std::size_t colon = item.find(':'); colon != std::string_view::npos) {
        const std::string word(trimmed(item.substr(colon + 1)));
        if (!is_one_of(place, word, kLossWords, "is no policy")) {
            return;
        }
        dependency.policy = loss_policy_of(word);
        item = item.substr(0, colon);
    }
    if (const std::size_t equals = item.find('='); equals != std::string_view::npos) {
        const std::string word(trimmed(item.substr(equals + 1)));
        if (!is_one_of(place, word, kDependencyWords, "is nothing to wait for")) {
            return;
        }
        dependency.is = dependency_kind_of(word);
        item = item.substr(0, equals);
    }
    dependency.app = std::string(trimmed(item));
    add_dependency(place, std::move(dependency), out);
}

// "db, cache=healthy:restart"
void read_depends_on(const Place& place, std::vector<Dependency>& out) {
    const auto text = place.text(Reading::Verbatim);
    std::string_view rest = text ? std::string_view(*text) : std::string_view();
    while (!trimmed(rest).empty()) {
        const std::size_t comma = rest.find(',');
        read_dependency(place, trimmed(rest.substr(0, comma)), out);
        rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    }
}

void read_setting(const std::string& name, const Place& place, Settings& settings) {
    static const std::vector<std::string> kSettings = {"autostart", "conditions", "depends-on",
                                                       "ready", "restart"};
    const std::string word = name.substr(kOwnPrefix.size());
    if (word == "depends-on") {
        read_depends_on(place, settings.depends_on);
    } else if (word == "conditions") {
        settings.conditions = read_condition_line(place);
    } else if (word == "autostart") {
        if (const auto value = place.one_of({"true", "false"})) {
            settings.autostart = *value == "true";
        }
    } else if (word == "ready") {
        if (const auto value = place.one_of(kReadyWords)) {
            settings.ready_by_port = *value == kReadyByPort;
        }
    } else if (word == "restart") {
        if (const auto value = place.one_of(kRestartWords)) {
            settings.restart = restart_policy_of(*value);
        }
    } else {
        place.fail_at_key("unknown annotation of podreeve",
                          fmt::format("podreeve.io/{}", fmt::join(kSettings, ", podreeve.io/")),
                          nearest_name(word, kSettings));
    }
}

// Annotations that would change what podman makes, and that podreeve does not carry out yet. The
// ones that generate kube writes to say "no" are no request.
bool asks_podman(const std::string& name, const std::string& value) {
    const bool podmans = starts_with(name, "io.podman.annotations.") ||
                         starts_with(name, "io.containers.autoupdate") ||
                         starts_with(name, "io.containers.sdnotify") ||
                         starts_with(name, "kube.image") || name == "bind-mount-options" ||
                         starts_with(name, "container.seccomp.security.alpha.kubernetes.io/") ||
                         name == "seccomp.security.alpha.kubernetes.io/pod" ||
                         starts_with(name, "container.apparmor.security.beta.kubernetes.io/");
    return podmans && value != "FALSE" && value != "false";
}

void read_annotations(const Place& place, MetadataOf of, Metadata& out) {
    for (const auto& [name, value] : place.entries()) {
        if (starts_with(name, kOwnPrefix)) {
            if (of == MetadataOf::Data) {
                value.fail_at_key("podreeve's settings belong to a workload", "Pod, Deployment");
            } else {
                read_setting(name, value, out.settings);
            }
            continue;
        }
        auto text = value.text();
        if (!text) {
            continue;
        }
        if (asks_podman(name, *text)) {
            value.fail_at_key("this annotation of podman's is not supported yet");
            continue;
        }
        out.annotations.emplace(name, std::move(*text));
    }
}

void read_labels(const Place& place, Metadata& out) {
    out.labels = read_string_map(place);
    for (const auto& [name, value] : place.entries()) {
        if (starts_with(name, kOwnLabelPrefix)) {
            value.fail_at_key("labels that start with io.podreeve. are podreeve's own");
        }
    }
}

}  // namespace

std::map<std::string, std::string> read_string_map(const Place& map) {
    std::map<std::string, std::string> out;
    for (const auto& [name, value] : map.entries()) {
        if (!value.present()) {
            out.emplace(name, "");
        } else if (auto text = value.text()) {
            out.emplace(name, std::move(*text));
        }
    }
    return out;
}

Metadata read_metadata(const Place& metadata, MetadataOf of) {
    Metadata out;
    if (of != MetadataOf::Template && !metadata.require()) {
        return out;
    }
    if (!metadata.check_fields(fields::kMetadata)) {
        return out;
    }
    const Place name = metadata["name"];
    if (of != MetadataOf::Template) {
        if (auto text = name.required_text()) {
            if (is_subdomain(*text)) {
                out.name = std::move(*text);
            } else {
                name.fail(fmt::format("'{}' is not a name", *text), std::string(kSubdomainRule));
            }
        }
    }
    metadata["namespace"].text();
    read_labels(metadata["labels"], out);
    read_annotations(metadata["annotations"], of, out);
    return out;
}

}  // namespace podreeve::manifests::kube
