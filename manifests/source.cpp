#include "manifests/source.h"

#include <algorithm>
#include <set>
#include <sys/stat.h>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "manifests/source_cache.h"
#include "runtime/base/contained.h"
#include "runtime/base/log.h"
#include "runtime/base/utf8.h"

namespace podreeve::manifests {
namespace {

namespace fs = std::filesystem;

// So many versions a scan are synced one by one; more, as on the first start, all at once.
constexpr std::size_t kDurableSaves = 8;
// On a disk that stays full somebody may go on editing.
constexpr std::size_t kMostUnsaved = 64;

Diagnostic there_already(const fs::path& path, const std::string& app, const std::string& file) {
    return error_about(path,
                       fmt::format("there is an app {} in {} already", app, clean_text(file)));
}

// Each version of an app is told once a scan.
void report_problem(const std::string& app,
                    const VersionCandidate& candidate,
                    const std::vector<Flaw>& flaws,
                    std::set<std::string>& reported,
                    Desired& out) {
    if (!reported.insert(app + "\n" + candidate.hash).second) {
        return;
    }
    AppProblem problem{app, candidate.spec->file, {}};
    for (const Flaw& flaw : flaws) {
        problem.diagnostics.push_back(flaw.diagnostic);
    }
    out.problems.push_back(std::move(problem));
}

}  // namespace

Diagnostic error_about(const fs::path& path, std::string message) {
    return {{path.string(), 0, 0}, "", std::move(message), "", "", Severity::Error};
}

Diagnostic threw(const fs::path& path, const std::string& what) {
    return error_about(path, "internal error: " + what);
}

// Files that must be read again are. True when anything is other than before. What manifests name
// is theirs; the unit files beside them are apps of their own.
bool ManifestSource::Cache::take_listing(const Listing& listing) {
    bool changed = false;
    for (const auto& [name, found] : listing.manifests) {
        changed = take_file(name, found) || changed;
    }
    const auto bare = bare_manifests(listing.units, named_paths());
    for (const auto& [name, found] : bare) {
        changed = take_file(name, found) || changed;
    }
    return drop_missing(listing, bare) || changed;
}

bool ManifestSource::Cache::take_file(const std::string& name, const FoundManifest& found) {
    if (any_missing(found)) {
        return take_missing(name, found);
    }
    const WallTime now = clock->system_now();
    FileState& state = files[name];
    const bool same = state.found == found && !state.fresh && !state.missing &&
                      (state.named.empty() || has_same_units(found, state.named));
    if (same) {
        return false;
    }
    state.missing = false;
    state.fresh = true;  // until it is read to the end
    read_file_again(name, found, state);
    state.fresh = state.threw || state.late || is_fresh(found, now) || is_fresh(state.named, now);
    return true;
}

// What it said last holds; of one that an earlier run saw last, its last good version.
bool ManifestSource::Cache::take_missing(const std::string& name, const FoundManifest& found) {
    const auto [place, is_new] = files.try_emplace(name);
    FileState& state = place->second;
    if (is_new) {
        state.found.main.path = found.main.path;
        state.app = app_accepted_from(name);
    }
    const bool was_missing = std::exchange(state.missing, is_missing(found));
    return is_new || was_missing != state.missing;
}

std::set<fs::path> ManifestSource::Cache::named_paths() const {
    std::set<fs::path> out;
    for (const auto& [name, state] : files) {
        for (const FoundUnit& unit : state.named) {
            out.insert(unit.file.path);
        }
    }
    return out;
}

bool ManifestSource::Cache::drop_missing(const Listing& listing,
                                         const std::map<std::string, FoundManifest>& bare) {
    const std::size_t removed = std::erase_if(files, [&](const auto& item) {
        return listing.manifests.count(item.first) == 0 && bare.count(item.first) == 0;
    });
    return removed > 0;
}

std::string ManifestSource::Cache::app_accepted_from(const std::string& file_name) {
    if (!app_of_file) {
        app_of_file.emplace();
        for (const auto& [app, file] : accepted.current_files()) {
            app_of_file->emplace(file, app);
        }
    }
    const auto found = app_of_file->find(file_name);
    return found == app_of_file->end() ? "" : found->second;
}

void ManifestSource::Cache::read_file_again(const std::string& name,
                                            const FoundManifest& found,
                                            FileState& state) {
    state.found = found;
    state.diagnostics.clear();
    const auto thrown = contained([&] { compile_file(name, state); });
    state.threw = thrown.has_value();
    if (thrown) {
        state.spec = nullptr;
        state.diagnostics = {threw(found.main.path, *thrown)};
        if (state.app.empty()) {
            state.app = app_accepted_from(name);
        }
        state.could_be_any = state.app.empty();
    }
}

Texts ManifestSource::Cache::read_within(FileState& state) {
    struct Reading {
        Texts texts;
        std::vector<Diagnostic> diagnostics;
    };

    const auto read = std::make_shared<Reading>();
    const fs::path directory = state.found.main.path.parent_path();
    state.late =
        !patience.run(directory.string(), [read, found = state.found, owner = config.owner] {
            read->texts = read_texts(found, owner, read->diagnostics);
        });
    if (!state.late) {
        state.diagnostics = std::move(read->diagnostics);
        return std::move(read->texts);
    }
    state.diagnostics = {
        error_about(state.found.main.path, "cannot be read: its file system does not answer")};
    Texts none;
    none.good = false;
    return none;
}

// One that does not answer is as it was.
bool ManifestSource::Cache::has_same_units(const FoundManifest& found,
                                           const std::vector<FoundUnit>& units) {
    const auto same = std::make_shared<bool>(true);
    patience.run(found.main.path.parent_path().string(), [same, units, owner = config.owner] {
        *same = find_again(units, owner) == units;
    });
    return *same;
}

void ManifestSource::Cache::compile_file(const std::string& name, FileState& state) {
    state.spec = nullptr;
    state.could_be_any = false;
    state.hash.clear();
    state.text = {};
    Texts texts = read_within(state);
    state.named = std::move(texts.named);
    Compiled compiled;
    const mode_t mode = state.found.main.stamp.mode;
    compiled.could_be_any = mode == 0 || S_ISREG(mode);  // 0: it cannot be reached
    if (texts.good) {
        compiled = compile(texts.text);
        state.diagnostics = std::move(compiled.diagnostics);
    }
    if (compiled.app) {
        state.spec = std::move(compiled.app);
        state.app = state.spec->name;
        state.hash = spec_hash(*state.spec);
        state.text = std::move(texts.text);
        return;
    }
    // What is broken is about the app that it was about when it was good.
    if (state.app.empty()) {
        state.app = app_accepted_from(name);
    }
    if (state.app.empty()) {
        state.app = compiled.app_name;
    }
    state.could_be_any = state.app.empty() && compiled.could_be_any;
}

// The version in force of an app, read back from disk after a restart; null when there is none.
const Effective* ManifestSource::Cache::effective_version(const std::string& app,
                                                          const std::string& file_name) {
    if (const auto found = effective.find(app); found != effective.end()) {
        return &found->second;
    }
    const auto hash = accepted.current(app);
    const auto text = hash ? accepted.load(app, *hash) : std::nullopt;
    if (!text) {
        return nullptr;
    }
    Compiled compiled;
    if (const auto thrown = contained([&] { compiled = compile(*text); })) {
        compiled.diagnostics = {threw(text->file, *thrown)};
    }
    if (!compiled.app || compiled.app->name != app) {
        log::warn("cannot use the last good version of {} any more: {}", app,
                  compiled.diagnostics.empty() ? "it is about another app"
                                               : to_text(compiled.diagnostics.front()));
        return nullptr;
    }
    return &effective.emplace(app, Effective{compiled.app, *hash, file_name, true}).first->second;
}

// The file whose version of the app is in force, also before this run; empty when there is none.
std::string ManifestSource::Cache::holder_of(const std::string& app) {
    if (const auto version = effective.find(app); version != effective.end()) {
        return version->second.file_name;
    }
    const auto hash = accepted.current(app);
    const auto text = hash ? accepted.load(app, *hash) : std::nullopt;
    return text ? fs::path(text->file).filename().string() : "";
}

// A file that now names an app which is another file's goes on status for the one it named
// before: copying one manifest over another by mistake must not stop anything.
std::string ManifestSource::Cache::keep_former_app(
    const std::string& name,
    const FileState& state,
    std::map<std::string, VersionCandidate>& candidates) {
    std::string former = app_accepted_from(name);
    for (const auto& [app, version] : effective) {
        if (version.file_name == name && app != state.app) {
            former = app;
        }
    }
    const Effective* last = former.empty() || former == state.app || allowed.contains(former)
                                ? nullptr
                                : effective_version(former, name);
    const bool kept =
        last != nullptr &&
        candidates.emplace(former, VersionCandidate{last->spec, last->hash, name, true}).second;
    return kept ? former : "";
}

void ManifestSource::Cache::gather_file(const std::string& name,
                                        FileState& state,
                                        std::map<std::string, VersionCandidate>& candidates,
                                        Desired& out) {
    if (!state.diagnostics.empty()) {
        out.problems.push_back({state.app, clean_text(state.found.main.path.string()),
                                state.diagnostics, state.could_be_any});
    }
    if (state.app.empty()) {
        return;
    }
    VersionCandidate candidate{state.spec, state.hash, name, false};
    if (!state.spec) {
        const Effective* last = effective_version(state.app, name);
        if (last == nullptr) {
            if (state.missing) {
                report_lost(state.app, state.found.main.path, out);
            }
            return;
        }
        candidate = {last->spec, last->hash, name, true};
    }
    const auto [place, is_first] = candidates.emplace(state.app, candidate);
    if (!is_first) {
        resolve_claim(name, state, place->second.file_name, candidates, out);
    }
}

// Two files are about one app, and the other one is it. While one of them is away for a moment, as
// when two files swap their names, nothing that the one that is there was about before is gone.
void ManifestSource::Cache::resolve_claim(const std::string& name,
                                          const FileState& state,
                                          const std::string& holder,
                                          std::map<std::string, VersionCandidate>& candidates,
                                          Desired& out) {
    const FileState& other = files.at(holder);
    if (state.missing) {
        keep_former_app(holder, other, candidates);
        return;
    }
    if (!state.spec) {
        return;
    }
    const std::string former = keep_former_app(name, state, candidates);
    if (!other.missing || is_doubted(other)) {
        hold_replaced(former, name, state, holder, out);
        out.problems.push_back({state.app,
                                clean_text(state.found.main.path.string()),
                                {there_already(state.found.main.path, state.app, holder)}});
    }
}

// One candidate an app: what its file says, or its last good version. Of two files about one app
// the one that is in force comes first, then the one whose name does.
std::map<std::string, VersionCandidate> ManifestSource::Cache::gather(Desired& out) {
    std::map<std::string, int> claims;
    for (const auto& [name, state] : files) {
        ++claims[state.app];
    }
    std::vector<std::tuple<bool, bool, std::string>> order;
    for (const auto& [name, state] : files) {
        const bool alone = claims[state.app] < 2;
        const bool holds = alone || holder_of(state.app) == name;
        order.emplace_back(!alone && yields(name, state), !holds, name);
    }
    std::sort(order.begin(), order.end());
    std::map<std::string, VersionCandidate> candidates;
    for (const auto& [yielding, later, name] : order) {
        FileState& state = files.at(name);
        const auto thrown =
            contained([&, &name = name] { gather_file(name, state, candidates, out); });
        if (thrown) {
            out.problems.push_back({state.app,
                                    clean_text(state.found.main.path.string()),
                                    {threw(state.found.main.path, *thrown)},
                                    state.could_be_any});
        }
    }
    for (auto& [app, candidate] : candidates) {
        const auto version = effective.find(app);
        const std::optional<std::string> hash =
            version != effective.end() ? version->second.hash : accepted.current(app);
        candidate.seated = candidate.seated || hash == candidate.hash;
    }
    return candidates;
}

// An app that cannot have what it asks for falls back to its version in force, or is left out.
void ManifestSource::Cache::demote(const std::string& app,
                                   std::map<std::string, VersionCandidate>& candidates) {
    VersionCandidate& candidate = candidates.at(app);
    const Effective* last =
        candidate.seated ? nullptr : effective_version(app, candidate.file_name);
    if (last == nullptr || last->hash == candidate.hash) {
        candidates.erase(app);
        return;
    }
    candidate.spec = last->spec;
    candidate.hash = last->hash;
    candidate.seated = true;
}

std::map<std::string, std::vector<Flaw>> ManifestSource::Cache::flaws_of(
    const std::map<std::string, VersionCandidate>& candidates) const {
    AppsByName apps;
    std::vector<std::tuple<bool, std::string, std::string>> keys;
    for (const auto& [app, candidate] : candidates) {
        apps.emplace(app, candidate.spec);
        keys.emplace_back(!candidate.seated, candidate.file_name, app);
    }
    std::sort(keys.begin(), keys.end());
    std::vector<std::string> order;
    for (const auto& [late, file, app] : keys) {
        order.push_back(app);
    }
    std::set<std::string> known;
    for (const auto& [name, state] : files) {
        known.insert(state.app);
    }
    return find_flaws(apps, order, known);
}

// False when nothing had to give way.
bool ManifestSource::Cache::resolve_one_conflict(
    std::map<std::string, VersionCandidate>& candidates,
    Desired& out,
    std::set<std::string>& reported) {
    const auto flaws = flaws_of(candidates);
    const bool newcomers = std::any_of(flaws.begin(), flaws.end(), [&](const auto& item) {
        return !candidates.at(item.first).seated;
    });
    int demoted = 0;
    for (const auto& [app, found] : flaws) {
        const VersionCandidate& candidate = candidates.at(app);
        if (candidate.seated && newcomers) {
            continue;  // what is new gives way first; that may be all
        }
        const bool clash = std::any_of(found.begin(), found.end(), [](const Flaw& flaw) {
            return flaw.kind == FlawKind::Clash;
        });
        report_problem(app, candidate, found, reported, out);
        // An app in force whose dependency went away stays: it only cannot be started anew.
        if (!candidate.seated || clash) {
            demote(app, candidates);
            ++demoted;
        }
    }
    return demoted > 0;
}

void ManifestSource::Cache::resolve_conflicts(std::map<std::string, VersionCandidate>& candidates,
                                              Desired& out) {
    std::set<std::string> reported;
    while (resolve_one_conflict(candidates, out, reported)) {
    }
}

// The text of that version: its file's, or as it was put aside when it could not be kept.
const AcceptedText* ManifestSource::Cache::text_of(const Effective& version) const {
    const auto file = files.find(version.file_name);
    if (file != files.end() && file->second.hash == version.hash &&
        !file->second.text.file.empty()) {
        return &file->second.text;
    }
    return version.text.file.empty() ? nullptr : &version.text;
}

void ManifestSource::Cache::save(const std::string& app, Effective& version) {
    const AcceptedText* text = version.saved ? nullptr : text_of(version);
    if (text == nullptr) {
        return;
    }
    const auto kept =
        accepted.current(app) == version.hash ? accepted.load(app, version.hash) : std::nullopt;
    if (kept && kept->file == text->file) {
        version.saved = true;
    } else if (const Status status = accepted.save(app, version.hash, *text, saves < kDurableSaves);
               status) {
        version.saved = true;
        ++saves;
    } else {
        version.text = *text;
        note_unsaved(app, version, status.error().message);
        return;
    }
    if (version.tries > 0) {
        log::info("the effective version of {} is kept, at try {}", app, version.tries + 1);
    }
    const auto file = files.find(version.file_name);
    if (file != files.end() && file->second.hash == version.hash) {
        file->second.text = {};
    }
    version.text = {};
}

// Each scan tries again, which on a full disk is often: it is told when it is news.
void ManifestSource::Cache::note_unsaved(const std::string& app,
                                         Effective& version,
                                         const std::string& why) {
    ++version.tries;
    if (version.trouble != why) {
        log::warn("cannot keep the effective version of {}: {}; it is tried again", app, why);
        version.trouble = why;
    }
}

void ManifestSource::Cache::save_former() {
    std::erase_if(unsaved, [this](const UnsavedVersion& former) {
        return accepted.keep(former.app, former.hash, former.text).has_value();
    });
    all_saved = all_saved && unsaved.empty();
}

void ManifestSource::Cache::make_effective(
    const std::map<std::string, VersionCandidate>& candidates) {
    all_saved = true;
    saves = 0;
    for (const auto& [app, candidate] : candidates) {
        Effective& version = effective[app];
        if (version.hash != candidate.hash) {
            if (!version.text.file.empty() && unsaved.size() < kMostUnsaved) {
                unsaved.push_back({app, version.hash, std::move(version.text)});
            }
            version = {candidate.spec, candidate.hash, candidate.file_name, false};
        }
        // From another place it is kept anew, so that a later run knows where to look for it.
        version.saved = version.saved && version.spec->file == candidate.spec->file;
        version.spec = candidate.spec;
        version.file_name = candidate.file_name;
        contained_or_logged("keeping a version", [&, &app = app] { save(app, version); });
        all_saved = all_saved && version.saved;
    }
    save_former();
    if (saves > kDurableSaves) {
        if (const Status status = accepted.sync(); !status) {
            log::warn("{}", status.error().message);
        }
    }
}

Desired ManifestSource::Cache::scan() {
    // Not true any more, if this one throws.
    std::optional<Desired> before = std::exchange(last_desired, std::nullopt);
    recall();
    bool changed = forget_allowed();
    const Listing listing = look();
    changed = take_listing(listing) || changed;
    if (!changed && before && all_saved && listing.unreadable == last_unreadable) {
        last_desired = std::move(before);
        last_desired->look_again = presence.look_again();
        return *last_desired;
    }
    Desired out;
    out.complete = listing.unreadable.empty();
    out.look_again = presence.look_again();
    report_doubts(listing, out);
    auto candidates = gather(out);
    const std::set<std::string> held = hold_removals(listing, candidates, out);
    resolve_conflicts(candidates, out);
    make_effective(candidates);
    drop_gone(candidates, held);
    for (const auto& [app, candidate] : candidates) {
        out.apps.emplace(app, candidate.spec);
    }
    report_held(candidates, out);
    out.let_go = note_let_go(out);
    out.remembered = remembered_apps();
    remember();
    allowed.clear();
    last_desired = out;
    last_unreadable = listing.unreadable;
    return out;
}

ManifestSource::ManifestSource(SourceConfig config)
    : config_(std::move(config)), cache_(std::make_unique<Cache>(config_)) {}

ManifestSource::~ManifestSource() = default;

Desired ManifestSource::scan() {
    const std::lock_guard lock(cache_->mutex);
    return cache_->scan();
}

std::shared_ptr<const AppSpec> ManifestSource::accepted(const std::string& app,
                                                        const std::string& spec_hash) {
    const std::lock_guard lock(cache_->mutex);
    const auto version = cache_->effective.find(app);
    if (version != cache_->effective.end() && version->second.hash == spec_hash) {
        return version->second.spec;
    }
    for (const UnsavedVersion& former : cache_->unsaved) {
        if (former.app == app && former.hash == spec_hash) {
            return compile(former.text).app;
        }
    }
    const auto text = cache_->accepted.load(app, spec_hash);
    return text ? compile(*text).app : nullptr;
}

void ManifestSource::allow_removal(const std::set<std::string>& apps) {
    const std::lock_guard lock(cache_->mutex);
    cache_->allowed.insert(apps.begin(), apps.end());
}

void ManifestSource::forget_accepted(const std::string& app,
                                     const std::vector<std::string>& keep_hashes) {
    const std::lock_guard lock(cache_->mutex);
    cache_->accepted.forget(app, keep_hashes);
    std::erase_if(cache_->unsaved, [&](const UnsavedVersion& former) {
        return former.app == app &&
               std::find(keep_hashes.begin(), keep_hashes.end(), former.hash) == keep_hashes.end();
    });
}

std::vector<std::string> ManifestSource::accepted_apps() const {
    const std::lock_guard lock(cache_->mutex);
    return cache_->accepted.apps();
}

}  // namespace podreeve::manifests
