#include "quadlet/conversion.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "quadlet/keys.h"
#include "runtime/base/nearest.h"

namespace podreeve::quadlet {
namespace {

void add_pairs(const Unit& unit, const Key& key, Arguments& command) {
    for (const auto& [name, value] : unit.pairs(unit.section(), key.name)) {
        command.emplace_back(key.flag);
        command.push_back(value ? fmt::format("{}={}", name, *value) : name);
    }
}

void add_each(const Key& key, const Arguments& values, Arguments& command) {
    for (const std::string& value : values) {
        command.emplace_back(key.flag);
        command.push_back(value);
    }
}

void add_option(const Unit& unit, const Key& key, Arguments& command) {
    const auto value = unit.value(unit.section(), key.name);
    if (!value || (value->empty() && key.use != Use::OptionAnyway)) {
        return;
    }
    if (key.use == Use::OptionJoined) {
        command.push_back(fmt::format("{}={}", key.flag, *value));
        return;
    }
    command.emplace_back(key.flag);
    command.push_back(*value);
}

void add_switch(const Unit& unit, const Key& key, Arguments& command) {
    if (const auto on = unit.flag(unit.section(), key.name)) {
        command.push_back(fmt::format("{}{}", key.flag, *on ? "" : "=false"));
    }
}

void add_of_table(const Unit& unit, const Key& key, Arguments& command) {
    switch (key.use) {
        case Use::Own:
            return;
        case Use::Option:
        case Use::OptionJoined:
        case Use::OptionAnyway:
            return add_option(unit, key, command);
        case Use::Each:
            return add_each(key, unit.list(unit.section(), key.name), command);
        case Use::EachWord:
            return add_each(key, unit.words(unit.section(), key.name), command);
        case Use::EachArgument:
            return add_each(key, unit.arguments(unit.section(), key.name), command);
        case Use::Pairs:
            return add_pairs(unit, key, command);
        case Use::Switch:
            return add_switch(unit, key, command);
    }
}

// As Go's filepath.Join leaves it.
std::string joined(const std::string& folder, const std::string& path) {
    std::string clean = (std::filesystem::path(folder) / path).lexically_normal().string();
    while (clean.size() > 1 && clean.back() == '/') {
        clean.pop_back();
    }
    return clean;
}

}  // namespace

std::string Conversion::value(std::string_view key) const {
    return unit_.value(unit_.section(), key).value_or("");
}

bool Conversion::flag(std::string_view key, bool otherwise) const {
    return unit_.flag(unit_.section(), key).value_or(otherwise);
}

void Conversion::problem(const Setting* setting, std::string message) {
    if (problems_.size() >= UnitFile::kMaxErrors) {
        return;
    }
    const std::string path =
        setting == nullptr ? std::string()
                           : fmt::format("[{}] {}", setting->entry.section, setting->entry.key);
    const Position at = setting == nullptr ? Position{} : setting->entry.value_at;
    problems_.push_back(
        {{setting == nullptr ? unit_.path() : unit_.path_of(*setting), at.line, at.column},
         path,
         std::move(message),
         "",
         ""});
}

const Reference* Conversion::refer(const std::string& file_name, const Setting* setting) {
    if (std::find(service_.uses.begin(), service_.uses.end(), file_name) == service_.uses.end()) {
        service_.uses.push_back(file_name);
    }
    const auto found = references_.find(file_name);
    if (found != references_.end()) {
        return &found->second;
    }
    problem(setting, fmt::format("there is no unit '{}'", file_name));
    if (problems_.size() >= UnitFile::kMaxErrors) {
        return nullptr;
    }
    std::vector<std::string> names;
    for (const auto& [name, reference] : references_) {
        names.push_back(name);
    }
    problems_.back().nearest = nearest_name(file_name, names);
    return nullptr;
}

void Conversion::depend(std::string_view key, const std::string& value) {
    auto& values = service_.dependencies[std::string(key)];
    if (std::find(values.begin(), values.end(), value) == values.end()) {
        values.push_back(value);
    }
}

const Reference* Conversion::require(const std::string& file_name, const Setting* setting) {
    const Reference* reference = refer(file_name, setting);
    if (reference != nullptr) {
        depend("Requires", reference->service);
        depend("After", reference->service);
    }
    return reference;
}

std::string Conversion::absolute(const std::string& path) const {
    const bool specifier = path.starts_with('%') && !path.starts_with("%%");
    return specifier || path.starts_with('/') ? path : joined(unit_.folder(), path);
}

std::string Conversion::storage_source(const std::string& source,
                                       const Setting* setting,
                                       bool images) {
    const std::string resolved = source.starts_with('.') ? absolute(source) : source;
    if (resolved.starts_with('/')) {
        depend("RequiresMountsFor", resolved);
        return resolved;
    }
    if (resolved.ends_with(".volume") || (images && resolved.ends_with(".image"))) {
        const Reference* reference = require(resolved, setting);
        return reference == nullptr ? std::string() : reference->name;
    }
    return resolved;
}

Arguments Conversion::podman(Arguments subcommand) const {
    Arguments command;
    for (const std::string& module : unit_.list(unit_.section(), "ContainersConfModule")) {
        command.push_back("--module=" + module);
    }
    const Arguments global = unit_.arguments(unit_.section(), "GlobalArgs");
    command.insert(command.end(), global.begin(), global.end());
    std::move(subcommand.begin(), subcommand.end(), std::back_inserter(command));
    return command;
}

void Conversion::add_command(std::string_view key, Arguments arguments) {
    service_.commands.push_back({std::string(key), std::move(arguments)});
}

void Conversion::add_table_options(Arguments& command) const {
    for (const Key& key : keys_of(unit_.type())) {
        add_of_table(unit_, key, command);
    }
}

void Conversion::add_networks(Arguments& command) {
    for (const Setting* setting : unit_.assignments(unit_.section(), "Network")) {
        std::string network = setting->entry.value;
        const std::size_t colon = network.find(':');
        const std::string file_name = network.substr(0, colon);
        const bool container = file_name.ends_with(".container");
        if (container || file_name.ends_with(".network")) {
            const Reference* reference = require(file_name, setting);
            if (reference == nullptr) {
                continue;
            }
            if (reference->name.empty()) {
                problem(setting,
                        fmt::format("the name of what '{}' makes is not known", file_name));
            }
            if (container && colon != std::string::npos) {
                problem(setting, "no options go with the network of another container");
            }
            const std::string options = colon == std::string::npos ? "" : network.substr(colon);
            network = (container ? "container:" : "") + reference->name + options;
        }
        command.insert(command.end(), {"--network", network});
    }
}

void Conversion::add_volumes(Arguments& command) {
    for (const Setting* setting : unit_.assignments(unit_.section(), "Volume")) {
        const std::string& volume = setting->entry.value;
        const std::size_t colon = volume.find(':');
        std::string text = volume;
        if (colon == 0) {
            // Quadlet drops the options of a volume without a source, too.
            text = volume.substr(1, volume.find(':', 1) - 1);
        } else if (colon != std::string::npos) {
            text = storage_source(volume.substr(0, colon), setting, false) + volume.substr(colon);
        }
        command.insert(command.end(), {"-v", text});
    }
}

void Conversion::add_user_mappings(Arguments& command) const {
    const auto section = unit_.section();
    const std::size_t before = command.size();
    if (const std::string userns = value("UserNS"); !userns.empty()) {
        command.insert(command.end(), {"--userns", userns});
    }
    for (const std::string& map : unit_.words(section, "UIDMap")) {
        command.insert(command.end(), {"--uidmap", map});
    }
    for (const std::string& map : unit_.words(section, "GIDMap")) {
        command.insert(command.end(), {"--gidmap", map});
    }
    if (const std::string name = value("SubUIDMap"); !name.empty()) {
        command.insert(command.end(), {"--subuidname", name});
    }
    if (const std::string name = value("SubGIDMap"); !name.empty()) {
        command.insert(command.end(), {"--subgidname", name});
    }
    if (command.size() == before) {
        add_remapping(command);
    }
}

// The deprecated way to say UserNS=, UIDMap= and GIDMap=.
void Conversion::add_remapping(Arguments& command) const {
    const std::string remap = value("RemapUsers");
    const Arguments users = unit_.words(unit_.section(), "RemapUid");
    const Arguments groups = unit_.words(unit_.section(), "RemapGid");
    if (remap == "manual") {
        for (const std::string& map : users) {
            command.insert(command.end(), {"--uidmap", map});
        }
        for (const std::string& map : groups) {
            command.insert(command.end(), {"--gidmap", map});
        }
        return;
    }
    if (remap.empty()) {
        return;
    }
    const bool automatic = remap == "auto";
    Arguments options;
    for (const std::string& map : users) {
        options.push_back((automatic ? "uidmapping=" : "uid=") + map);
    }
    for (const std::string& map : groups) {
        options.push_back((automatic ? "gidmapping=" : "gid=") + map);
    }
    const std::string size = value("RemapUidSize");
    if (automatic && !size.empty() && size != "0") {
        options.push_back("size=" + size);
    }
    command.insert(command.end(),
                   {"--userns", fmt::format("{}{}{}", remap, options.empty() ? "" : ":",
                                            fmt::join(options, ","))});
}

void Conversion::add_podman_args(Arguments& command) const {
    const Arguments extra = unit_.arguments(unit_.section(), "PodmanArgs");
    command.insert(command.end(), extra.begin(), extra.end());
}

std::string image_source(Conversion& conversion, const std::string& image, const Setting* setting) {
    if (!image.ends_with(".image") && !image.ends_with(".build")) {
        return image;
    }
    const Reference* reference = conversion.require(image, setting);
    return reference == nullptr ? std::string() : reference->name;
}

}  // namespace podreeve::quadlet
