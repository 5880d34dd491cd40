#include "quadlet/names.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

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
            fmt::format("cannot use '{}' as a Quadlet file: {}", file_name, why)};
}

// One value of Quadlet's: it takes a pair of double quotes off, and no other quoting.
std::string lookup(const UnitFile& file, std::string_view section, std::string_view key) {
    const std::string value = file.last(section, key);
    const bool quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
    return quoted ? value.substr(1, value.size() - 2) : value;
}

// The service without ".service", which is what %N stands for.
Result<std::string> service_stem(const UnitName& name, const UnitFile& file) {
    const TypeRow& row = row_of(name.type);
    const std::string override = lookup(file, row.section, "ServiceName");
    if (override.empty()) {
        return fmt::format("{}{}{}{}", name.prefix, row.service_suffix, name.templated ? "@" : "",
                           name.instance);
    }
    if (override.find('%') != std::string::npos) {
        return fail(Code::Unsupported,
                    fmt::format("cannot tell the service's name from ServiceName={}: only systemd "
                                "knows its specifiers",
                                override));
    }
    return override;
}

struct Specifiers {
    std::string_view stem;
    const UnitName& name;

    // What the specifier stands for; nothing for one that only systemd knows.
    std::optional<std::string> value(char letter) const {
        const std::size_t at = stem.find('@');
        switch (letter) {
            case '%':
                return "%";
            case 'N':
                return std::string(stem);
            case 'n':
                return fmt::format("{}.service", stem);
            case 'p':
                return std::string(stem.substr(0, at));
            case 'j': {
                const std::string_view prefix = stem.substr(0, at);
                const std::size_t dash = prefix.rfind('-');
                return std::string(dash == prefix.npos ? prefix : prefix.substr(dash + 1));
            }
            case 'i':
                return name.instance;
            default:
                return std::nullopt;
        }
    }
};

Result<std::string> expand(std::string_view text, const Specifiers& specifiers) {
    std::string expanded;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            expanded += text[i];
            continue;
        }
        const auto value =
            i + 1 < text.size() ? specifiers.value(text[i + 1]) : std::optional<std::string>();
        if (!value) {
            return fail(
                Code::Unsupported,
                fmt::format("cannot tell what '{}' names: only systemd knows its specifiers",
                            text));
        }
        expanded += *value;
        ++i;
    }
    return expanded;
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
        return bad_name(file_name, "nothing stands before its extension or its @");
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

Result<std::string> service_name(std::string_view file_name, const UnitFile& file) {
    ASSIGN_OR_RETURN(const UnitName name, parse_unit_name(file_name));
    ASSIGN_OR_RETURN(const std::string stem, service_stem(name, file));
    return stem + ".service";
}

Result<std::string> resource_name(std::string_view file_name, const UnitFile& file) {
    ASSIGN_OR_RETURN(const UnitName name, parse_unit_name(file_name));
    const TypeRow& row = row_of(name.type);
    if (row.name_key.empty()) {
        return std::string();
    }
    if (name.templated && name.instance.empty()) {
        return fail(Code::Unsupported,
                    fmt::format("cannot name what '{}' makes: each of its instances has a name of "
                                "its own",
                                file_name));
    }
    std::string pattern = lookup(file, row.section, row.name_key);
    if (pattern.empty() && name.type != UnitType::Container) {
        const std::string_view base = file_name.substr(0, file_name.size() - row.extension.size());
        return fmt::format("systemd-{}", base);
    }
    if (pattern.empty()) {
        pattern = name.templated ? "systemd-%p_%i" : "systemd-%N";
    }
    ASSIGN_OR_RETURN(const std::string stem, service_stem(name, file));
    return expand(pattern, Specifiers{stem, name});
}

}  // namespace podreeve::quadlet
