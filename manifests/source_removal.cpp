#include <algorithm>
#include <iterator>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "manifests/source_cache.h"
#include "runtime/base/atomic_file.h"
#include "runtime/base/log.h"

// When an app is no longer wanted: what may be believed of files that are not to be seen, and which
// of those that went are held.
namespace podreeve::manifests {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// In accepted_dir. Its keys are directories (path -> device, inode, boot) and held (apps); later
// releases may add some. One that cannot be read counts as not there.
constexpr const char* kSeenFile = "seen.json";
constexpr std::uintmax_t kMaxSeenBytes = 4 * 1024 * 1024;

const char* const kUntilPruned = "`podreeve prune` lets it go";

Diagnostic error_about(const fs::path& directory, std::string message) {
    return {{directory.string(), 0, 0}, "", std::move(message), "", "", Severity::Error};
}

std::set<std::string> texts_in(const json& in, const char* key) {
    std::set<std::string> out;
    for (const json& each : in.value(key, json::array())) {
        if (each.is_string()) {
            out.insert(each.get<std::string>());
        }
    }
    return out;
}

}  // namespace

// Nothing is known of it that could hold, and nothing may be removed for that.
void ManifestSource::Cache::tell_lost(const std::string& app, const fs::path& path, Desired& out) {
    out.problems.push_back(
        {app,
         path.string(),
         {error_about(path,
                      "is not to be seen, and its last good version is not kept: what runs of it "
                      "is left")}});
}

Listing ManifestSource::Cache::look() {
    std::vector<DirectoryLook> found;
    found.reserve(config.directories.size());
    for (const fs::path& directory : config.directories) {
        found.push_back(look_at_directory(directory, config.owner));
    }
    presence.take(found, looks->steady_now());
    Listing listing = merge_looks(found);
    for (const auto& [directory, why] : presence.doubts()) {
        listing.unreadable.emplace_back(directory, why);
    }
    return listing;
}

// What an earlier run saw last and remembered. Its manifests are expected where they were.
void ManifestSource::Cache::recall() {
    if (config.accepted_dir.empty()) {
        return;
    }
    const auto bytes = read_file(config.accepted_dir / kSeenFile, kMaxSeenBytes);
    const json kept = bytes ? json::parse(*bytes, nullptr, false) : json();
    if (kept.is_object()) {
        remembered = *bytes;
        presence.recall(kept.value("directories", json::object()));
        guard.recall(texts_in(kept, "held"));
    }
    for (const std::string& app : apps_in_force()) {
        const auto hash = accepted.current(app);
        const auto text = hash ? accepted.load(app, *hash) : std::nullopt;
        if (!text || guard.held().contains(app)) {
            continue;
        }
        const fs::path directory = fs::path(text->file).parent_path();
        const bool is_ours = std::any_of(
            config.directories.begin(), config.directories.end(),
            [&](const fs::path& each) { return (each / "").parent_path() == directory; });
        if (is_ours) {
            presence.expect(text->file);
        }
    }
}

// Nothing is written when nothing is other than before.
void ManifestSource::Cache::remember() {
    if (config.accepted_dir.empty()) {
        return;
    }
    const json now = {{"directories", presence.to_json()}, {"held", guard.held()}};
    std::string text = now.dump(-1, ' ', false, json::error_handler_t::replace);
    if (text == remembered) {
        return;
    }
    std::error_code error;
    fs::create_directories(config.accepted_dir, error);
    fs::permissions(config.accepted_dir, fs::perms::owner_all, error);
    if (const Status kept = write_file_atomically(config.accepted_dir / kSeenFile, text, 0600);
        !kept) {
        log::warn("cannot remember which manifest directories were seen: {}", kept.error().message);
        return;
    }
    remembered = std::move(text);
}

void ManifestSource::Cache::forget_allowed() {
    std::erase_if(files, [&](const auto& item) {
        const FileState& state = item.second;
        const bool goes = state.missing && allowed.contains(state.app);
        if (goes) {
            presence.forget(state.found.main.path);
            for (const FoundUnit& unit : state.found.units) {
                presence.forget(unit.file.path);
            }
        }
        return goes;
    });
}

// A file that is not to be seen makes way at once for another that says the same: it was renamed.
bool ManifestSource::Cache::yields(const std::string& name, const FileState& state) {
    if (!state.missing) {
        return false;
    }
    const auto version = in_force.find(state.app);
    const std::optional<std::string> hash =
        version != in_force.end() ? version->second.hash : accepted.current(state.app);
    return hash && std::any_of(files.begin(), files.end(), [&](const auto& item) {
               const FileState& other = item.second;
               return item.first != name && !other.missing && other.spec &&
                      other.app == state.app && other.hash == *hash;
           });
}

bool ManifestSource::Cache::is_doubted(const FileState& state) const {
    return !presence.doubt_about(state.found.main.path.parent_path()).empty();
}

std::set<std::string> ManifestSource::Cache::named_apps() const {
    std::set<std::string> out;
    for (const auto& [name, state] : files) {
        out.insert(state.app);
    }
    return out;
}

std::set<std::string> ManifestSource::Cache::apps_in_force() const {
    std::set<std::string> out;
    for (const auto& [app, version] : in_force) {
        out.insert(app);
    }
    if (first) {
        for (const std::string& app : accepted.apps()) {
            if (accepted.current(app)) {
                out.insert(app);
            }
        }
    }
    return out;
}

std::string ManifestSource::Cache::unclear_file() const {
    for (const auto& [name, state] : files) {
        if (state.could_be_any) {
            return state.found.main.path.string();
        }
    }
    return {};
}

void ManifestSource::Cache::tell_doubts(const Listing& listing, Desired& out) {
    for (const auto& [directory, why] : listing.unreadable) {
        out.problems.push_back({"", directory.string(), {error_about(directory, why)}});
    }
}

// Of the apps whose file's directory says nothing.
void ManifestSource::Cache::tell_held(const std::map<std::string, Candidate>& candidates,
                                      Desired& out) {
    for (const auto& [app, candidate] : candidates) {
        const auto file = files.find(candidate.file_name);
        if (file == files.end() || !file->second.missing || !is_doubted(file->second)) {
            continue;
        }
        const fs::path& path = file->second.found.main.path;
        out.held[app] = {
            "DirectoryOutOfSight",
            fmt::format("its manifest {} is out of sight: the directory {} {}; the app stays as it "
                        "is until the directory is back, or {}",
                        path.filename().string(), path.parent_path().string(),
                        presence.doubt_about(path.parent_path()), kUntilPruned)};
    }
}

// What went stays in force while it is held.
void ManifestSource::Cache::hold_removals(std::map<std::string, Candidate>& candidates,
                                          Desired& out) {
    const std::set<std::string> before = apps_in_force();
    std::set<std::string> there = named_apps();
    for (const auto& [app, candidate] : candidates) {
        there.insert(app);
    }
    std::set<std::string> wanted;
    std::set_difference(before.begin(), before.end(), there.begin(), there.end(),
                        std::inserter(wanted, wanted.end()));
    const std::string unclear = unclear_file();
    const std::set<std::string> held =
        guard.weigh({wanted, there, allowed, before.size(), !unclear.empty(), looks->steady_now()});
    for (const std::string& app : held) {
        const std::string file = holder_of(app);
        const InForce* last = version_in_force(app, file);
        if (last == nullptr) {
            tell_lost(app, file.empty() ? app : file, out);
            continue;
        }
        candidates.emplace(app, Candidate{last->spec, last->hash, last->file_name, true});
        const bool many = guard.held().contains(app);
        out.held[app] =
            many ? HeldRemoval{"ManyRemovals",
                               fmt::format("its manifest {} is gone, and so many others with it "
                                           "that none is believed: the app stays as it is until "
                                           "its manifest is back, or {}",
                                           last->file_name, kUntilPruned)}
                 : HeldRemoval{"ManifestUnclear",
                               fmt::format("its manifest {} is gone, but {} is broken and could be "
                                           "it: the app stays as it is until that file is mended "
                                           "or removed, or {}",
                                           last->file_name, unclear, kUntilPruned)};
    }
}

// Apps that no file is about any more: nothing of them is in force, here and on disk.
void ManifestSource::Cache::drop_gone(const std::map<std::string, Candidate>& candidates) {
    const std::set<std::string> named = named_apps();
    for (const std::string& app : apps_in_force()) {
        const bool is_held = guard.held().contains(app);
        if (!candidates.contains(app) && !named.contains(app) && !is_held) {
            in_force.erase(app);
            accepted.clear_current(app);
        }
    }
}

}  // namespace podreeve::manifests
