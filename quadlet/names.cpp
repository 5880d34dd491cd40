#include "quadlet/names.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "runtime/base/utf8.h"

namespace podreeve::quadlet {
namespace {

// One row a type: what Quadlet's generator does with it (podman-systemd.unit(5)).
struct TypeRow {
    UnitType type;
    std::string_view extension;
    std::string_view section;
    std::string_view service_suffix;
    std::string_view name_key;  // empty where there is nothing to name
};

constexpr TypeRow kTypes[] = {
    {UnitType::Container, ".container", "Container", "", "ContainerName"},
    {UnitType::Pod, ".pod", "Pod", "-pod", "PodName"},
    {UnitType::Kube, ".kube", "Kube", "", ""},
    {UnitType::Volume, ".volume", "Volume", "-volume", "VolumeName"},
    {UnitType::Network, ".network", "Network", "-network", "NetworkName"},
    {UnitType::Image, ".image", "Image", "-image", ""},
    {UnitType::Build, ".build", "Build", "-build", ""},
};

// systemd's limit for a unit's name, its type included.
constexpr std::size_t kMaxUnitName = 255;

const TypeRow& row_of(UnitType type) {
    return *std::find_if(std::begin(kTypes), std::end(kTypes),
                         [&](const TypeRow& row) { return row.type == type; });
}

bool is_unit_character(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view(":-_.\\").find(c) != std::string_view::npos;
}

bool is_unit_text(std::string_view text) {
    return std::all_of(text.begin(), text.end(), is_unit_character);
}

Error bad_name(std::string_view file_name, std::string_view why) {
    return {Code::InvalidArgument,
            fmt::format("cannot use '{}' as a Quadlet file: {}", clean_text(file_name), why)};
}

}  // namespace

std::optional<UnitType> unit_type_of(std::string_view file_name) {
    for (const TypeRow& row : kTypes) {
        if (file_name.size() > row.extension.size() && file_name.ends_with(row.extension)) {
            return row.type;
        }
    }
    return std::nullopt;
}

std::string_view extension(UnitType type) {
    return row_of(type).extension;
}

std::string_view section_name(UnitType type) {
    return row_of(type).section;
}

std::string_view service_suffix(UnitType type) {
    return row_of(type).service_suffix;
}

std::string_view name_key(UnitType type) {
    return row_of(type).name_key;
}

bool is_podman_name(std::string_view name) {
    const auto is_alnum = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    return !name.empty() && name.size() <= 253 && is_alnum(name.front()) &&
           std::all_of(name.begin(), name.end(),
                       [&](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; });
}

Result<UnitName> parse_unit_name(std::string_view file_name) {
    const auto type = unit_type_of(file_name);
    if (!type) {
        return bad_name(file_name, "its extension is none of Quadlet's");
    }
    const std::string_view stem = file_name.substr(0, file_name.size() - extension(*type).size());
    const std::size_t at = stem.find('@');
    UnitName name{*type, std::string(stem.substr(0, at)), at != std::string_view::npos, ""};
    if (name.templated) {
        name.instance = stem.substr(at + 1);
    }
    if (name.prefix.empty()) {
        return bad_name(file_name, "nothing is before its extension or its @");
    }
    // systemd takes a further @ in an instance, but not in a prefix.
    std::string instance = name.instance;
    std::erase(instance, '@');
    if (!is_unit_text(name.prefix) || !is_unit_text(instance)) {
        return bad_name(file_name, "a unit's name has only letters, digits and :-_.\\");
    }
    constexpr std::string_view kService = ".service";
    if (stem.size() + row_of(*type).service_suffix.size() + kService.size() > kMaxUnitName) {
        return bad_name(file_name, "the name of its service would be longer than 255 bytes");
    }
    return name;
}

Result<std::string> instance_of(std::string_view template_name, std::string_view instance) {
    const std::size_t at = template_name.find("@.");
    if (at == std::string_view::npos || at == 0) {
        return fail(
            Code::InvalidArgument,
            fmt::format("cannot make an instance of '{}': it is no template", template_name));
    }
    std::string plain(instance);
    std::erase(plain, '@');
    if (instance.empty() || !is_unit_text(plain) ||
        template_name.size() + instance.size() > kMaxUnitName) {
        return fail(Code::InvalidArgument,
                    fmt::format("cannot make an instance of '{}': '{}' cannot stand in its name",
                                template_name, instance));
    }
    return fmt::format("{}@{}{}", template_name.substr(0, at), instance,
                       template_name.substr(at + 1));
}

}  // namespace podreeve::quadlet
