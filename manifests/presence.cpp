#include "manifests/presence.h"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace podreeve::manifests {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

bool is_main(const std::string& name) {
    return name.find('/') == std::string::npos;
}

std::string folder_of(const std::string& name) {
    const std::size_t slash = name.find('/');
    return slash == std::string::npos ? "" : name.substr(0, slash);
}

// "apps" and "apps/" are one place.
fs::path key_of(const fs::path& directory) {
    return (directory / "").parent_path();
}

bool is_below(const fs::path& path, const fs::path& top) {
    const auto [end, rest] = std::mismatch(top.begin(), top.end(), path.begin(), path.end());
    return !top.empty() && end == top.end();
}

// Of a drop-in folder that is gone itself, the directory tells.
std::int64_t changed_ns(const DirectoryLook& look, const std::string& folder) {
    const auto own = look.changed_ns.find(folder);
    const auto all = look.changed_ns.find("");
    return own != look.changed_ns.end()   ? own->second
           : all != look.changed_ns.end() ? all->second
                                          : 0;
}

void add_missing(const std::string& name, SeenName entry, DirectoryLook& look) {
    entry.file.missing = true;
    look.entries.emplace(name, std::move(entry));
}

}  // namespace

void PresenceTracker::expect(const fs::path& file) {
    places_[file.parent_path()].entries.try_emplace(file.filename().string(),
                                                    SeenName{{file, {}, ""}, false});
}

void PresenceTracker::forget(const fs::path& file) {
    const auto place = places_.find(file.parent_path());
    if (place == places_.end()) {
        return;
    }
    const std::string name = file.filename().string();
    const auto is_of_it = [&](const auto& item) {
        return item.first == name || folder_of(item.first) == name + ".d";
    };
    std::erase_if(place->second.entries, is_of_it);
    std::erase_if(place->second.missing, is_of_it);
}

bool PresenceTracker::is_new_since_boot(const Place& place, const fs::path& path) const {
    return is_below(path, rules_.volatile_below) && place.id && place.id->boot != rules_.boot;
}

std::string PresenceTracker::doubt_of(const Place& place, const DirectoryLook& look) const {
    const auto was_in_it = [&](const auto& item) {
        return is_main(item.first) && !place.strangers.contains(item.first);
    };
    const bool held_any = std::any_of(place.entries.begin(), place.entries.end(), was_in_it);
    const bool is_same = place.id == DirectoryId{look.device, look.inode, rules_.boot};
    if (!held_any || is_same || is_new_since_boot(place, look.path)) {
        return "";
    }
    if (!look.exists) {
        return "is not there any more";
    }
    const bool holds_one = std::any_of(
        place.entries.begin(), place.entries.end(),
        [&](const auto& item) { return was_in_it(item) && look.entries.contains(item.first); });
    return holds_one ? ""
                     : "is another directory than before, and holds none of the manifests that "
                       "were in it";
}

void PresenceTracker::carry_all(Place& place, DirectoryLook& look) {
    place.missing.clear();
    for (const auto& [name, entry] : look.entries) {
        if (place.entries.insert_or_assign(name, entry).second) {
            place.strangers.insert(name);
        }
    }
    for (const auto& [name, entry] : place.entries) {
        if (!look.entries.contains(name)) {
            add_missing(name, entry, look);
        }
    }
}

bool PresenceTracker::is_gone(Missing& missing, std::int64_t changed, SteadyTime now) {
    if (missing.changed_ns != changed) {
        missing.changed_ns = changed;
        missing.quiet_since = now;
    }
    const SteadyTime due =
        std::min(missing.quiet_since + rules_.gone_after, missing.since + kLongest);
    if (now >= due) {
        return true;
    }
    look_again_ = std::min(due, look_again_.value_or(due));
    return false;
}

void PresenceTracker::carry_missing(Place& place, DirectoryLook& look, SteadyTime now) {
    std::map<std::string, SeenName> known = look.entries;
    for (const auto& [name, entry] : place.entries) {
        const std::string folder = folder_of(name);
        if (look.entries.contains(name) || look.folder_troubles.contains(folder)) {
            place.missing.erase(name);
            known.emplace(name, entry);
            continue;
        }
        const std::int64_t changed = changed_ns(look, folder);
        const auto at = place.missing.try_emplace(name, Missing{now, now, changed}).first;
        if (is_gone(at->second, changed, now)) {
            place.missing.erase(at);
            continue;
        }
        known.emplace(name, entry);
    }
    for (const auto& [name, missing] : place.missing) {
        add_missing(name, known.at(name), look);
    }
    place.entries = std::move(known);
    place.strangers.clear();
}

void PresenceTracker::take(std::vector<DirectoryLook>& looks, SteadyTime now) {
    doubts_.clear();
    troubles_.clear();
    look_again_.reset();
    for (DirectoryLook& look : looks) {
        Place& place = places_[key_of(look.path)];
        if (!look.trouble.empty()) {
            troubles_.emplace(look.path, look.trouble);
            carry_all(place, look);
            continue;
        }
        if (std::string doubt = doubt_of(place, look); !doubt.empty()) {
            doubts_.emplace(look.path, std::move(doubt));
            carry_all(place, look);
            continue;
        }
        place.id = DirectoryId{look.device, look.inode, rules_.boot};
        carry_missing(place, look, now);
    }
}

std::string PresenceTracker::doubt_about(const fs::path& directory) const {
    for (const auto* all : {&doubts_, &troubles_}) {
        for (const auto& [path, why] : *all) {
            if (key_of(path) == key_of(directory)) {
                return why;
            }
        }
    }
    return {};
}

json PresenceTracker::to_json() const {
    json out = json::object();
    for (const auto& [path, place] : places_) {
        if (place.id && place.id->inode != 0) {
            out[path.string()] = {
                {"device", place.id->device}, {"inode", place.id->inode}, {"boot", place.id->boot}};
        }
    }
    return out;
}

void PresenceTracker::recall(const json& kept) {
    for (const auto& [path, id] : kept.items()) {
        const bool whole = id.is_object() && id.contains("device") && id.contains("inode") &&
                           id.contains("boot") && id["device"].is_number_unsigned() &&
                           id["inode"].is_number_unsigned() && id["boot"].is_string();
        if (whole) {
            places_[path].id = DirectoryId{id["device"].get<dev_t>(), id["inode"].get<ino_t>(),
                                           id["boot"].get<std::string>()};
        }
    }
}

}  // namespace podreeve::manifests
