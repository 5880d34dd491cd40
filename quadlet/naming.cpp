#include "quadlet/naming.h"

#include <optional>

#include <fmt/format.h>

namespace podreeve::quadlet {
namespace {

std::string stem_of(const Unit& unit) {
    return unit.file_name().substr(0, unit.file_name().size() - extension(unit.type()).size());
}

// The service without ".service", which is what %N stands for.
std::string service_stem(const Unit& unit, const PodmanRelease& podman) {
    if (auto own = unit.value(unit.section(), "ServiceName")) {
        return *own;
    }
    const std::string stem = stem_of(unit);
    const std::string_view suffix = service_suffix(unit.type());
    if (podman >= kTemplates && stem.ends_with('@')) {
        return fmt::format("{}{}@", stem.substr(0, stem.size() - 1), suffix);
    }
    return fmt::format("{}{}", stem, suffix);
}

// The name as the unit's own commands have it, specifiers and all.
std::string name_pattern(const Unit& unit, const PodmanRelease& podman) {
    const std::string_view key = name_key(unit.type());
    if (key.empty()) {
        return {};
    }
    const auto own = unit.value(unit.section(), key);
    if (own && !own->empty()) {
        return *own;
    }
    const bool templated = unit.name().templated;
    if (unit.type() == UnitType::Container) {
        return templated ? "systemd-%p_%i" : "systemd-%N";
    }
    const std::string stem = stem_of(unit);
    if (templated && unit.type() != UnitType::Pod && podman >= kTemplates) {
        // For an instance this cuts its last character off, which is podman's own doing.
        return fmt::format("systemd-{}-%i", stem.substr(0, stem.size() - 1));
    }
    return fmt::format("systemd-{}", stem);
}

std::string replace_all(std::string text, std::string_view what, std::string_view with) {
    for (std::size_t at = text.find(what); at != std::string::npos;
         at = text.find(what, at + with.size())) {
        text.replace(at, what.size(), with);
    }
    return text;
}

// What the specifier stands for in the service; nothing for one that only systemd knows.
std::optional<std::string> specifier(char letter, std::string_view stem) {
    const std::size_t at = stem.find('@');
    const std::string_view prefix = stem.substr(0, at);
    const std::size_t dash = prefix.rfind('-');
    switch (letter) {
        case '%':
            return "%";
        case 'N':
            return std::string(stem);
        case 'n':
            return fmt::format("{}.service", stem);
        case 'p':
            return std::string(prefix);
        case 'j':
            return std::string(dash == prefix.npos ? prefix : prefix.substr(dash + 1));
        case 'i':
            return at == stem.npos ? std::string() : std::string(stem.substr(at + 1));
        default:
            return std::nullopt;
    }
}

}  // namespace

std::string service_name(const Unit& unit, const PodmanRelease& podman) {
    return service_stem(unit, podman) + ".service";
}

std::string name_in_references(const Unit& unit, const PodmanRelease& podman) {
    const std::string_view section = unit.section();
    if (unit.type() == UnitType::Image) {
        const auto tag = unit.value(section, "ImageTag");
        return tag && !tag->empty() ? *tag : unit.value(section, "Image").value_or("");
    }
    if (unit.type() == UnitType::Build) {
        const std::vector<std::string> tags = unit.list(section, "ImageTag");
        return tags.empty() ? std::string() : tags.front();
    }
    const std::string pattern = name_pattern(unit, podman);
    if (unit.type() != UnitType::Container) {
        return pattern;
    }
    const std::string name = replace_all(pattern, "%N", service_stem(unit, podman));
    return name.find('%') == std::string::npos ? name : std::string();
}

Result<std::string> resource_name(const Unit& unit, const PodmanRelease& podman) {
    const std::string pattern = name_pattern(unit, podman);
    const std::string stem = service_stem(unit, podman);
    if (unit.name().templated && unit.name().instance.empty()) {
        return pattern.empty()
                   ? Result<std::string>(pattern)
                   : fail(Code::Unsupported, fmt::format("cannot name what '{}' makes: each of its "
                                                         "instances has a name of its own",
                                                         unit.file_name()));
    }
    std::string expanded;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] != '%') {
            expanded += pattern[i];
            continue;
        }
        const auto value = i + 1 < pattern.size() ? specifier(pattern[i + 1], stem) : std::nullopt;
        if (!value || stem.find('%') != std::string::npos) {
            return fail(
                Code::Unsupported,
                fmt::format("cannot know what '{}' names: only systemd knows its specifiers",
                            pattern));
        }
        expanded += *value;
        ++i;
    }
    return expanded;
}

}  // namespace podreeve::quadlet
