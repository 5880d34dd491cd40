#include <algorithm>
#include <iterator>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "manifests/source_cache.h"
#include "runtime/base/contained.h"
#include "runtime/base/json_text.h"
#include "runtime/base/log.h"
#include "runtime/base/utf8.h"

// When an app is no longer wanted: what may be believed of files that are not to be seen, and which
// of those that went are held.
namespace podreeve::manifests {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const char* const kUntilPruned = "`podreeve prune` lets it go";

std::set<std::string> texts_in(const json& in, const char* key) {
    std::set<std::string> out;
    for (const json& each : child_in(in, key)) {
        if (each.is_string()) {
            out.insert(each.get<std::string>());
        }
    }
    return out;
}

// Those that its pods and containers have in podman.
void add_names(const AppSpec& app, std::set<std::string>& names) {
    for (const PodSpec& pod : app.pods) {
        names.insert(pod.name);
    }
    for (const ContainerSpec& container : app.containers) {
        names.insert(container.name);
    }
}

}  // namespace

// Nothing is known of it that could hold, and nothing may be removed for that.
void ManifestSource::Cache::report_lost(const std::string& app,
                                        const fs::path& path,
                                        Desired& out) {
    out.problems.push_back(
        {app,
         clean_text(path.string()),
         {error_about(path,
                      "is not to be seen, and its last good version is not kept: what runs of it "
                      "is left")}});
}

// One whose file system does not answer cannot be read, and keeps nobody else's from being so.
DirectoryLook ManifestSource::Cache::look_within(const fs::path& directory) {
    const auto seen = std::make_shared<DirectoryLook>();
    if (patience.run(directory.string(), [seen, directory, owner = config.owner] {
            *seen = look_at_directory(directory, owner);
        })) {
        return std::move(*seen);
    }
    DirectoryLook late;
    late.path = directory;
    late.exists = true;
    late.trouble = "cannot be read: its file system does not answer";
    return late;
}

Listing ManifestSource::Cache::look() {
    std::vector<DirectoryLook> found;
    found.reserve(config.directories.size());
    for (const fs::path& directory : config.directories) {
        found.push_back(look_within(directory));
    }
    presence.take(found, looks->steady_now());
    Listing listing = merge_looks(found);
    for (const auto& [directory, why] : presence.doubts()) {
        listing.unreadable.emplace_back(directory, why);
    }
    return listing;
}

// What an earlier run saw last and remembered: JSON with the keys directories (path -> device,
// inode, boot), held, let_go and replaced (apps); later releases may add some. Of a note that
// cannot be read all that is missing counts as held. Its manifests are expected where they were.
void ManifestSource::Cache::recall() {
    if (recalled || config.accepted_dir.empty()) {
        return;
    }
    recall_note();
    expect_files();
    recalled = true;
}

void ManifestSource::Cache::recall_note() {
    const Result<std::string> bytes = accepted.note();
    if (!bytes && bytes.error().code == Code::NotFound) {
        return;
    }
    const json kept = bytes ? json::parse(*bytes, nullptr, false) : json();
    if (!kept.is_object()) {
        log::warn("cannot know which removals were held: {}; all that are not there are",
                  bytes ? "seen.json is damaged" : bytes.error().message);
        const std::vector<std::string> all = accepted.apps();
        guard.recall({all.begin(), all.end()});
        return;
    }
    presence.recall(child_in(kept, "directories"));
    guard.recall(texts_in(kept, "held"));
    let_go = texts_in(kept, "let_go");
    replaced = texts_in(kept, "replaced");
    remembered = *bytes;
}

void ManifestSource::Cache::expect_files() {
    for (const std::string& app : accepted.apps()) {
        if (const auto hash = accepted.current(app)) {
            from_before.insert(app);
            contained_or_logged("recalling a version", [&] { expect_file(app, *hash); });
        }
    }
}

void ManifestSource::Cache::expect_file(const std::string& app, const std::string& hash) {
    const auto text = accepted.load(app, hash);
    if (!text || guard.held().contains(app)) {
        return;
    }
    if (is_configured(fs::path(text->file).parent_path())) {
        presence.expect(text->file);
    }
}

bool ManifestSource::Cache::is_configured(const fs::path& directory) const {
    return std::any_of(config.directories.begin(), config.directories.end(),
                       [&](const fs::path& each) {
                           const fs::path own = (each / "").parent_path();
                           return own == directory || clean_text(own.string()) == directory;
                       });
}

// Nothing is written when nothing is other than before.
void ManifestSource::Cache::remember() {
    if (config.accepted_dir.empty()) {
        return;
    }
    json note{{"directories", presence.to_json()}, {"held", guard.held()}, {"let_go", let_go}};
    if (!replaced.empty()) {
        note["replaced"] = replaced;
    }
    std::string text = json_text(note);
    if (text == remembered) {
        return;
    }
    const Status kept = accepted.put_note(text);
    const std::string trouble = kept ? "" : kept.error().message;
    if (!kept && trouble != remember_trouble) {
        log::warn("cannot remember which manifest directories were seen: {}; it is tried again",
                  trouble);
    }
    remember_trouble = trouble;
    all_saved = all_saved && kept;
    if (kept) {
        remembered = std::move(text);
    }
}

// True when a person has allowed any since the last scan.
bool ManifestSource::Cache::forget_allowed() {
    std::erase_if(files, [&](const auto& item) {
        const FileState& state = item.second;
        const bool goes = state.missing && allowed.contains(state.app);
        for (const fs::path& directory : config.directories) {
            if (!goes) {
                break;
            }
            presence.forget(directory / item.first);
            for (const FoundUnit& unit : state.found.units) {
                presence.forget(directory / unit.file.path.filename());
            }
        }
        return goes;
    });
    return !allowed.empty();
}

// Until all is known again, or they have a manifest again.
std::set<std::string> ManifestSource::Cache::note_let_go(const Desired& out) {
    let_go.insert(allowed.begin(), allowed.end());
    if (out.complete && unclear_file().empty()) {
        let_go.clear();
    }
    const std::set<std::string> named = named_apps();
    std::erase_if(let_go, [&](const std::string& app) {
        return named.contains(app) || out.apps.contains(app);
    });
    return let_go;
}

// A file that is not to be seen makes way at once for another that says the same: it was renamed.
bool ManifestSource::Cache::yields(const std::string& name, const FileState& state) {
    if (!state.missing) {
        return false;
    }
    const auto version = effective.find(state.app);
    const std::optional<std::string> hash =
        version != effective.end() ? version->second.hash : accepted.current(state.app);
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

std::set<std::string> ManifestSource::Cache::effective_apps() const {
    std::set<std::string> out = from_before;
    for (const auto& [app, version] : effective) {
        out.insert(app);
    }
    return out;
}

std::string ManifestSource::Cache::unclear_file() const {
    for (const auto& [name, state] : files) {
        if (state.could_be_any) {
            return clean_text(state.found.main.path.string());
        }
    }
    return {};
}

// Where a manifest that is gone could be, and what ends that; without a reason: nowhere.
HeldRemoval ManifestSource::Cache::find_unclear(const Listing& listing) const {
    if (!listing.unreadable.empty()) {
        const fs::path& directory = listing.unreadable.front().first;
        return {"DirectoryOutOfSight",
                fmt::format("it could be in the directory {}, which {}: the app stays as it is "
                            "until the directory is back",
                            clean_text(directory.string()), presence.doubt_about(directory))};
    }
    if (const std::string file = unclear_file(); !file.empty()) {
        return {"ManifestUnclear",
                fmt::format("{} is broken and could be it: the app stays as it is until that file "
                            "is mended or removed",
                            file)};
    }
    return {};
}

void ManifestSource::Cache::report_doubts(const Listing& listing, Desired& out) {
    for (const auto& [directory, why] : listing.unreadable) {
        out.problems.push_back({"", clean_text(directory.string()), {error_about(directory, why)}});
    }
}

// Of the apps whose file's directory says nothing.
void ManifestSource::Cache::report_held(const std::map<std::string, VersionCandidate>& candidates,
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
                        clean_text(path.filename().string()),
                        clean_text(path.parent_path().string()),
                        presence.doubt_about(path.parent_path()), kUntilPruned)};
    }
}

// An app over whose manifest that of another was copied, so that nothing says that it is wanted.
void ManifestSource::Cache::hold_replaced(const std::string& app,
                                          const std::string& name,
                                          const FileState& state,
                                          const std::string& holder,
                                          Desired& out) {
    if (app.empty()) {
        return;
    }
    replaced.insert(app);
    out.held[app] = {"ManifestReplaced",
                     fmt::format("its manifest {} is about app {} now, which is in {} already: the "
                                 "app stays as it is until its manifest is back, or {}",
                                 clean_text(name), state.app, clean_text(holder), kUntilPruned)};
}

// Whatever becomes of the other manifest: it is held until it has one itself.
void ManifestSource::Cache::add_replaced(const std::set<std::string>& wanted,
                                         std::map<std::string, HeldRemoval>& reasons) const {
    for (const std::string& app : wanted) {
        if (replaced.contains(app) && !allowed.contains(app)) {
            reasons[app] = {"ManifestReplaced",
                            "another app's was copied over it: the app stays as it is until its "
                            "manifest is back"};
        }
    }
}

// Whether other manifests have all of its pods and containers: a Kubernetes file under another
// name, or one that was put together with others or taken apart.
bool ManifestSource::Cache::is_renamed(const std::string& app,
                                       const std::map<std::string, VersionCandidate>& candidates) {
    const Effective* last = effective_version(app, holder_of(app));
    if (last == nullptr) {
        return false;
    }
    std::set<std::string> names;
    for (const auto& [other, candidate] : candidates) {
        if (other != app && candidate.spec) {
            add_names(*candidate.spec, names);
        }
    }
    std::set<std::string> own;
    add_names(*last->spec, own);
    return !own.empty() && std::ranges::includes(names, own);
}

// Where its manifest was when it was last accepted, as it was written then; "": that is not known.
std::string ManifestSource::Cache::file_of(const std::string& app) {
    const auto version = effective.find(app);
    if (version != effective.end() && !version->second.text.file.empty()) {
        return version->second.text.file;
    }
    const auto hash = accepted.current(app);
    const auto text = hash ? accepted.load(app, *hash) : std::nullopt;
    if (text) {
        return text->file;
    }
    return version != effective.end() ? version->second.spec->file : "";
}

// Of those whose manifest is gone, the ones that had it in a directory that is none of the
// configured ones any more: nobody has looked for it there.
std::map<std::string, HeldRemoval> ManifestSource::Cache::find_unconfigured(
    const std::set<std::string>& wanted) {
    std::map<std::string, HeldRemoval> out;
    for (const std::string& app : wanted) {
        if (allowed.contains(app) || guard.held().contains(app)) {
            continue;
        }
        fs::path directory;
        if (const auto thrown =
                contained([&] { directory = fs::path(file_of(app)).parent_path(); })) {
            out[app] = {
                "InternalError",
                fmt::format("where it was is not known ({}): the app stays as it is", *thrown)};
        } else if (directory.empty() && from_before.contains(app)) {
            out[app] = {"VersionUnreadable",
                        "the version of it that is kept cannot be read, so where it was is not "
                        "known: the app stays as it is until its manifest is back"};
        } else if (!directory.empty() && !is_configured(directory)) {
            out[app] = {"DirectoryNotConfigured",
                        fmt::format("its directory {} is none of the configured manifest "
                                    "directories any more: the app stays as it is until its "
                                    "manifest is in one of them",
                                    clean_text(directory.string()))};
        }
    }
    return out;
}

// An app keeps its versions until nothing is left of it. That memory may be lost together with the
// sight of the manifest, as with a state directory that was emptied and a mount that is late.
std::optional<std::set<std::string>> ManifestSource::Cache::remembered_apps() const {
    if (config.accepted_dir.empty()) {
        return std::nullopt;
    }
    std::set<std::string> out = effective_apps();
    for (std::string& app : accepted.apps()) {
        out.insert(std::move(app));
    }
    return out;
}

// What went stays in force while it is held. Those are returned.
std::set<std::string> ManifestSource::Cache::hold_removals(
    const Listing& listing, std::map<std::string, VersionCandidate>& candidates, Desired& out) {
    const std::set<std::string> before = effective_apps();
    std::set<std::string> there = named_apps();
    for (const auto& [app, candidate] : candidates) {
        there.insert(app);
    }
    std::set<std::string> wanted;
    std::set_difference(before.begin(), before.end(), there.begin(), there.end(),
                        std::inserter(wanted, wanted.end()));
    std::map<std::string, HeldRemoval> own_reasons = find_unconfigured(wanted);
    const std::set<std::string> named = named_apps();
    std::erase_if(replaced, [&](const std::string& app) {
        return named.contains(app) || allowed.contains(app);
    });
    add_replaced(wanted, own_reasons);
    std::erase_if(wanted, [&](const std::string& app) {
        return own_reasons.contains(app) || is_renamed(app, candidates);
    });
    const HeldRemoval unclear = find_unclear(listing);
    std::set<std::string> held =
        guard.evaluate({wanted, there, allowed, before.size() - own_reasons.size(),
                        !unclear.reason.empty(), looks->steady_now()});
    for (const auto& [app, reason] : own_reasons) {
        held.insert(app);
    }
    for (const std::string& app : held) {
        const auto own = own_reasons.find(app);
        const HeldRemoval& reason = own == own_reasons.end() ? unclear : own->second;
        const auto thrown = contained([&] { hold(app, reason, candidates, out); });
        if (thrown) {
            out.problems.push_back({app, app, {threw(app, *thrown)}});
        }
    }
    return held;
}

void ManifestSource::Cache::hold(const std::string& app,
                                 const HeldRemoval& reason,
                                 std::map<std::string, VersionCandidate>& candidates,
                                 Desired& out) {
    const std::string file = holder_of(app);
    const Effective* last = effective_version(app, file);
    if (last == nullptr) {
        report_lost(app, file.empty() ? app : file, out);
        return;
    }
    const bool many = guard.held().contains(app);
    const std::string why = many ? "so many others went with it that none is believed: the app "
                                   "stays as it is until its manifest is back"
                                 : reason.message;
    HeldRemoval reported{many ? "ManyRemovals" : reason.reason,
                         fmt::format("its manifest {} is gone, but {}, or {}",
                                     clean_text(last->file_name), why, kUntilPruned)};
    candidates.emplace(app, VersionCandidate{last->spec, last->hash, last->file_name, true});
    out.held[app] = std::move(reported);
}

// Apps that no file is about any more: nothing of them is in force, here and on disk.
void ManifestSource::Cache::drop_gone(const std::map<std::string, VersionCandidate>& candidates,
                                      const std::set<std::string>& held) {
    const std::set<std::string> named = named_apps();
    for (const std::string& app : effective_apps()) {
        if (!candidates.contains(app) && !named.contains(app) && !held.contains(app)) {
            accepted.clear_current(app);
            effective.erase(app);
            from_before.erase(app);
        }
    }
}

}  // namespace podreeve::manifests
