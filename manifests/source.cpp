#include "manifests/source.h"

#include <algorithm>
#include <mutex>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "manifests/accepted.h"
#include "manifests/files.h"
#include "manifests/validate.h"
#include "runtime/base/log.h"

namespace podreeve::manifests {
namespace {

namespace fs = std::filesystem;
using SpecPtr = std::shared_ptr<const AppSpec>;

// So many versions a scan are synced one by one; more, as on the first start, all at once.
constexpr std::size_t kDurableSaves = 8;
// On a disk that stays full somebody may go on editing.
constexpr std::size_t kMostUnsaved = 64;

// One file as it was last read.
struct FileState {
    FoundManifest found;
    std::vector<FoundUnit> named;  // the unit files it names
    bool fresh = false;            // its stamp cannot be trusted: read it again next time
    std::string app;               // that it is about, as far as is known
    SpecPtr spec;                  // null: broken
    std::string hash;
    std::vector<Diagnostic> diagnostics;
    AcceptedText text;
};

// The version of an app that holds.
struct InForce {
    SpecPtr spec;
    std::string hash;
    std::string file_name;
    bool saved = false;        // in accepted_dir
    std::string trouble = {};  // why not, as it was told last
    std::size_t tries = 0;
    AcceptedText text = {};  // of one that could not be saved yet
};

// A version that is not in force any more and could not be saved while it was.
struct Unsaved {
    std::string app;
    std::string hash;
    AcceptedText text;
};

// A version of an app on its way into Desired.
struct Candidate {
    SpecPtr spec;
    std::string hash;
    std::string file_name;
    bool seated = false;  // it is the one in force
};

Diagnostic there_already(const fs::path& path, const std::string& app, const std::string& file) {
    return {{path.string(), 0, 0},
            "",
            fmt::format("there is an app {} in {} already", app, file),
            "",
            "",
            Severity::Error};
}

// Each version of an app is told once a scan.
void tell(const std::string& app,
          const Candidate& candidate,
          const std::vector<Flaw>& flaws,
          std::set<std::string>& told,
          Desired& out) {
    if (!told.insert(app + "\n" + candidate.hash).second) {
        return;
    }
    AppProblem problem{app, candidate.spec->file, {}};
    for (const Flaw& flaw : flaws) {
        problem.diagnostics.push_back(flaw.diagnostic);
    }
    out.problems.push_back(std::move(problem));
}

}  // namespace

struct ManifestSource::Cache {
    explicit Cache(const SourceConfig& source_config)
        : config(source_config),
          clock(config.clock ? config.clock : std::make_shared<const SystemClock>()),
          accepted(config.accepted_dir) {}

    Desired scan();

    std::mutex mutex;  // held by each public call of the source
    const SourceConfig& config;
    std::shared_ptr<const Clock> clock;
    AcceptedVersions accepted;
    std::map<std::string, FileState> files;                         // by file name
    std::map<std::string, InForce> in_force;                        // by app
    std::optional<std::map<std::string, std::string>> app_of_file;  // as accepted before this run
    std::optional<Desired> last_desired;  // what the last scan said, while it is still true
    Listing last_listing;
    std::vector<Unsaved> unsaved;
    bool all_saved = true;
    std::size_t saves = 0;  // in this scan
    bool swept = false;     // what was removed while no agent ran is out of force

    bool take_listing(const Listing& listing);
    bool take_file(const std::string& name, const FoundManifest& found, const Listing& listing);
    std::set<fs::path> named_paths() const;
    bool drop_missing(const Listing& listing, const std::map<std::string, FoundManifest>& bare);
    bool is_out_of_sight(const Listing& listing, const FileState& state) const;
    void read_file_again(const std::string& name, const FoundManifest& found, FileState& state);
    std::string app_accepted_from(const std::string& file_name);

    const InForce* version_in_force(const std::string& app, const std::string& file_name);
    std::map<std::string, Candidate> gather(Desired& out);
    std::string holder_of(const std::string& app);
    void keep_former_app(const std::string& name,
                         const FileState& state,
                         std::map<std::string, Candidate>& candidates);
    void gather_file(const std::string& name,
                     FileState& state,
                     std::map<std::string, Candidate>& candidates,
                     Desired& out);
    std::map<std::string, std::vector<Flaw>> flaws_of(
        const std::map<std::string, Candidate>& candidates) const;
    void settle(std::map<std::string, Candidate>& candidates, Desired& out);
    bool settle_once(std::map<std::string, Candidate>& candidates,
                     Desired& out,
                     std::set<std::string>& told);
    void demote(const std::string& app, std::map<std::string, Candidate>& candidates);
    void put_in_force(const std::map<std::string, Candidate>& candidates, bool complete);
    void drop_gone(const std::map<std::string, Candidate>& candidates);
    void save(const std::string& app, InForce& version);
    void note_unsaved(const std::string& app, InForce& version, const std::string& why);
    void save_former();
};

// Files that must be read again are. True when anything is other than before. What manifests name
// is theirs; the unit files beside them are apps of their own.
bool ManifestSource::Cache::take_listing(const Listing& listing) {
    bool changed = false;
    for (const auto& [name, found] : listing.manifests) {
        changed = take_file(name, found, listing) || changed;
    }
    const auto bare = bare_manifests(listing.units, named_paths());
    for (const auto& [name, found] : bare) {
        changed = take_file(name, found, listing) || changed;
    }
    return drop_missing(listing, bare) || changed;
}

bool ManifestSource::Cache::take_file(const std::string& name,
                                      const FoundManifest& found,
                                      const Listing& listing) {
    const WallTime now = clock->system_now();
    FileState& state = files[name];
    const bool same = state.found == found && !state.fresh &&
                      (state.named.empty() || find_again(state.named, config.owner) == state.named);
    // A file of an earlier directory does not come through while the later one is out of sight.
    if (same || is_out_of_sight(listing, state)) {
        return false;
    }
    read_file_again(name, found, state);
    state.fresh = is_fresh(found, now) || is_fresh(state.named, now);
    return true;
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

bool ManifestSource::Cache::is_out_of_sight(const Listing& listing, const FileState& state) const {
    const fs::path directory = state.found.main.path.parent_path();
    return std::any_of(listing.unreadable.begin(), listing.unreadable.end(),
                       [&](const auto& entry) { return entry.first == directory; });
}

// What stood in a directory that cannot be read now is not gone.
bool ManifestSource::Cache::drop_missing(const Listing& listing,
                                         const std::map<std::string, FoundManifest>& bare) {
    const std::size_t removed = std::erase_if(files, [&](const auto& item) {
        return listing.manifests.count(item.first) == 0 && bare.count(item.first) == 0 &&
               !is_out_of_sight(listing, item.second);
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
    state.spec = nullptr;
    state.hash.clear();
    state.text = {};
    state.diagnostics.clear();
    Texts texts = read_texts(found, config.owner, state.diagnostics);
    state.named = std::move(texts.named);
    Compiled compiled;
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
}

// The version in force of an app, read back from disk after a restart; null when there is none.
const InForce* ManifestSource::Cache::version_in_force(const std::string& app,
                                                       const std::string& file_name) {
    if (const auto found = in_force.find(app); found != in_force.end()) {
        return &found->second;
    }
    const auto hash = accepted.current(app);
    const auto text = hash ? accepted.load(app, *hash) : std::nullopt;
    if (!text) {
        return nullptr;
    }
    Compiled compiled = compile(*text);
    if (!compiled.app || compiled.app->name != app) {
        log::warn("cannot use the last good version of {} any more: {}", app,
                  compiled.diagnostics.empty() ? "it is about another app"
                                               : to_text(compiled.diagnostics.front()));
        return nullptr;
    }
    return &in_force.emplace(app, InForce{compiled.app, *hash, file_name, true}).first->second;
}

// The file whose version of the app is in force, also before this run; empty when there is none.
std::string ManifestSource::Cache::holder_of(const std::string& app) {
    if (const auto version = in_force.find(app); version != in_force.end()) {
        return version->second.file_name;
    }
    const auto hash = accepted.current(app);
    const auto text = hash ? accepted.load(app, *hash) : std::nullopt;
    return text ? fs::path(text->file).filename().string() : "";
}

// A file that now names an app which is another file's goes on standing for the one it named
// before: copying one manifest over another by mistake must not stop anything.
void ManifestSource::Cache::keep_former_app(const std::string& name,
                                            const FileState& state,
                                            std::map<std::string, Candidate>& candidates) {
    std::string former = app_accepted_from(name);
    for (const auto& [app, version] : in_force) {
        if (version.file_name == name && app != state.app) {
            former = app;
        }
    }
    const InForce* last =
        former.empty() || former == state.app ? nullptr : version_in_force(former, name);
    if (last != nullptr) {
        candidates.emplace(former, Candidate{last->spec, last->hash, name, true});
    }
}

void ManifestSource::Cache::gather_file(const std::string& name,
                                        FileState& state,
                                        std::map<std::string, Candidate>& candidates,
                                        Desired& out) {
    if (!state.diagnostics.empty()) {
        out.problems.push_back({state.app, state.found.main.path.string(), state.diagnostics});
    }
    if (state.app.empty()) {
        return;
    }
    Candidate candidate{state.spec, state.hash, name, false};
    if (!state.spec) {
        const InForce* last = version_in_force(state.app, name);
        if (last == nullptr) {
            return;
        }
        candidate = {last->spec, last->hash, name, true};
    }
    const auto [place, is_first] = candidates.emplace(state.app, candidate);
    if (!is_first && state.spec) {
        keep_former_app(name, state, candidates);
        out.problems.push_back(
            {state.app,
             state.found.main.path.string(),
             {there_already(state.found.main.path, state.app, place->second.file_name)}});
    }
}

// One candidate an app: what its file says, or its last good version. Of two files about one app
// the one that is in force comes first, then the one whose name does.
std::map<std::string, Candidate> ManifestSource::Cache::gather(Desired& out) {
    std::map<std::string, int> claims;
    for (const auto& [name, state] : files) {
        ++claims[state.app];
    }
    std::vector<std::pair<bool, std::string>> order;
    for (const auto& [name, state] : files) {
        const bool holds = claims[state.app] < 2 || holder_of(state.app) == name;
        order.emplace_back(!holds, name);
    }
    std::sort(order.begin(), order.end());
    std::map<std::string, Candidate> candidates;
    for (const auto& [later, name] : order) {
        gather_file(name, files.at(name), candidates, out);
    }
    for (auto& [app, candidate] : candidates) {
        const auto version = in_force.find(app);
        const std::optional<std::string> hash =
            version != in_force.end() ? version->second.hash : accepted.current(app);
        candidate.seated = candidate.seated || hash == candidate.hash;
    }
    return candidates;
}

// An app that cannot have what it asks for falls back to its version in force, or is left out.
void ManifestSource::Cache::demote(const std::string& app,
                                   std::map<std::string, Candidate>& candidates) {
    Candidate& candidate = candidates.at(app);
    const InForce* last = candidate.seated ? nullptr : version_in_force(app, candidate.file_name);
    if (last == nullptr || last->hash == candidate.hash) {
        candidates.erase(app);
        return;
    }
    candidate.spec = last->spec;
    candidate.hash = last->hash;
    candidate.seated = true;
}

std::map<std::string, std::vector<Flaw>> ManifestSource::Cache::flaws_of(
    const std::map<std::string, Candidate>& candidates) const {
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
bool ManifestSource::Cache::settle_once(std::map<std::string, Candidate>& candidates,
                                        Desired& out,
                                        std::set<std::string>& told) {
    const auto flaws = flaws_of(candidates);
    const bool newcomers = std::any_of(flaws.begin(), flaws.end(), [&](const auto& item) {
        return !candidates.at(item.first).seated;
    });
    int demoted = 0;
    for (const auto& [app, found] : flaws) {
        const Candidate& candidate = candidates.at(app);
        if (candidate.seated && newcomers) {
            continue;  // what is new gives way first; that may be all
        }
        const bool clash = std::any_of(found.begin(), found.end(), [](const Flaw& flaw) {
            return flaw.kind == FlawKind::Clash;
        });
        tell(app, candidate, found, told, out);
        // An app in force whose dependency went away stays: it only cannot be started anew.
        if (!candidate.seated || clash) {
            demote(app, candidates);
            ++demoted;
        }
    }
    return demoted > 0;
}

void ManifestSource::Cache::settle(std::map<std::string, Candidate>& candidates, Desired& out) {
    std::set<std::string> told;
    while (settle_once(candidates, out, told)) {
    }
}

void ManifestSource::Cache::save(const std::string& app, InForce& version) {
    FileState& state = files.at(version.file_name);
    if (version.saved || state.hash != version.hash || state.text.file.empty()) {
        return;
    }
    if (accepted.current(app) == version.hash && accepted.load(app, version.hash)) {
        version.saved = true;
    } else if (const Status status =
                   accepted.save(app, version.hash, state.text, saves < kDurableSaves);
               status) {
        version.saved = true;
        ++saves;
    } else {
        version.text = state.text;
        note_unsaved(app, version, status.error().message);
    }
    if (version.saved) {
        if (version.tries > 0) {
            log::info("the version of {} that is in force is kept, at try {}", app,
                      version.tries + 1);
        }
        state.text = version.text = {};
    }
}

// Each scan tries again, which on a full disk is often: it is told when it is news.
void ManifestSource::Cache::note_unsaved(const std::string& app,
                                         InForce& version,
                                         const std::string& why) {
    ++version.tries;
    if (version.trouble != why) {
        log::warn("cannot keep the version of {} that is in force: {}; it is tried again", app,
                  why);
        version.trouble = why;
    }
}

void ManifestSource::Cache::save_former() {
    std::erase_if(unsaved, [this](const Unsaved& former) {
        return accepted.keep(former.app, former.hash, former.text).has_value();
    });
    all_saved = all_saved && unsaved.empty();
}

void ManifestSource::Cache::put_in_force(const std::map<std::string, Candidate>& candidates,
                                         bool complete) {
    all_saved = true;
    saves = 0;
    for (const auto& [app, candidate] : candidates) {
        InForce& version = in_force[app];
        if (version.hash != candidate.hash) {
            if (!version.text.file.empty() && unsaved.size() < kMostUnsaved) {
                unsaved.push_back({app, version.hash, std::move(version.text)});
            }
            version = {candidate.spec, candidate.hash, candidate.file_name, false};
        }
        version.spec = candidate.spec;
        version.file_name = candidate.file_name;
        save(app, version);
        all_saved = all_saved && version.saved;
    }
    save_former();
    if (saves > kDurableSaves) {
        if (const Status status = accepted.sync(); !status) {
            log::warn("{}", status.error().message);
        }
    }
    if (complete) {
        drop_gone(candidates);
    }
}

// Apps that no file is about any more: nothing of them is in force, here and on disk.
void ManifestSource::Cache::drop_gone(const std::map<std::string, Candidate>& candidates) {
    std::set<std::string> named;
    for (const auto& [name, state] : files) {
        named.insert(state.app);
    }
    const auto is_gone = [&](const std::string& app) {
        return candidates.count(app) == 0 && named.count(app) == 0;
    };
    std::erase_if(in_force, [&](const auto& item) {
        if (is_gone(item.first)) {
            accepted.clear_current(item.first);
        }
        return is_gone(item.first);
    });
    if (!std::exchange(swept, true)) {
        for (const std::string& app : accepted.apps()) {
            if (is_gone(app)) {
                accepted.clear_current(app);
            }
        }
    }
}

Desired ManifestSource::Cache::scan() {
    const Listing listing = list_manifests(config.directories, config.owner);
    const bool same = !take_listing(listing) && last_desired && all_saved &&
                      listing.unreadable == last_listing.unreadable;
    if (same) {
        return *last_desired;
    }
    Desired out;
    out.complete = listing.unreadable.empty();
    for (const Diagnostic& diagnostic : left_out(listing)) {
        out.problems.push_back({"", diagnostic.position.file, {diagnostic}});
    }
    auto candidates = gather(out);
    settle(candidates, out);
    put_in_force(candidates, out.complete);
    for (const auto& [app, candidate] : candidates) {
        out.apps.emplace(app, candidate.spec);
    }
    last_desired = out;
    last_listing.unreadable = listing.unreadable;
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
    const auto version = cache_->in_force.find(app);
    if (version != cache_->in_force.end() && version->second.hash == spec_hash) {
        return version->second.spec;
    }
    for (const Unsaved& former : cache_->unsaved) {
        if (former.app == app && former.hash == spec_hash) {
            return compile(former.text).app;
        }
    }
    const auto text = cache_->accepted.load(app, spec_hash);
    return text ? compile(*text).app : nullptr;
}

void ManifestSource::forget_accepted(const std::string& app,
                                     const std::vector<std::string>& keep_hashes) {
    const std::lock_guard lock(cache_->mutex);
    cache_->accepted.forget(app, keep_hashes);
    std::erase_if(cache_->unsaved, [&](const Unsaved& former) {
        return former.app == app &&
               std::find(keep_hashes.begin(), keep_hashes.end(), former.hash) == keep_hashes.end();
    });
}

std::vector<std::string> ManifestSource::accepted_apps() const {
    const std::lock_guard lock(cache_->mutex);
    return cache_->accepted.apps();
}

}  // namespace podreeve::manifests
