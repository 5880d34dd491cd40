#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "manifests/accepted.h"
#include "manifests/files.h"
#include "manifests/presence.h"
#include "manifests/removal_guard.h"
#include "manifests/source.h"
#include "manifests/validate.h"
#include "runtime/base/patience.h"

// The inside of the source, for its own files: source.cpp, and source_removal.cpp for when an app
// is no longer wanted.
namespace podreeve::manifests {

using SpecPtr = std::shared_ptr<const AppSpec>;

// One file as it was last read.
struct FileState {
    FoundManifest found;
    bool missing = false;          // not to be seen now; what it said last holds
    bool could_be_any = false;     // broken so that it could be the manifest of any app
    std::vector<FoundUnit> named;  // the unit files it names
    bool fresh = false;            // its stamp cannot be trusted: read it again next time
    bool threw = false;            // reading it did
    bool late = false;             // its file system did not answer
    std::string app;               // that it is about, as far as is known
    SpecPtr spec;                  // null: broken
    std::string hash;
    std::vector<Diagnostic> diagnostics;
    AcceptedText text;
};

// The version of an app that holds.
struct Effective {
    SpecPtr spec;
    std::string hash;
    std::string file_name;
    bool saved = false;        // in accepted_dir
    std::string trouble = {};  // why not, as it was told last
    std::size_t tries = 0;
    AcceptedText text = {};  // of one that could not be saved yet
};

// A version that is not in force any more and could not be saved while it was.
struct UnsavedVersion {
    std::string app;
    std::string hash;
    AcceptedText text;
};

// A version of an app on its way into Desired.
struct VersionCandidate {
    SpecPtr spec;
    std::string hash;
    std::string file_name;
    bool seated = false;  // it is the one in force
};

Diagnostic error_about(const std::filesystem::path& path, std::string message);
// Of our own doing, not the file's; it is broken all the same.
Diagnostic threw(const std::filesystem::path& path, const std::string& what);

struct ManifestSource::Cache {
    explicit Cache(const SourceConfig& source_config)
        : config(source_config),
          clock(config.clock ? config.clock : std::make_shared<const SystemClock>()),
          looks(config.looks ? config.looks : clock),
          accepted({config.accepted_dir, config.disk}),
          presence({config.boot_id, config.volatile_below, config.gone_after}),
          patience(config.patience) {}

    Desired scan();

    std::mutex mutex;  // held by each public call of the source
    const SourceConfig& config;
    std::shared_ptr<const Clock> clock;
    std::shared_ptr<const Clock> looks;
    AcceptedVersions accepted;
    PresenceTracker presence;
    Patience patience;  // by directory
    RemovalGuard guard;
    std::set<std::string> allowed;           // removals that a person allowed since the last scan
    std::set<std::string> let_go;            // those of them that something could still hold
    std::set<std::string> replaced;          // apps over whose manifest another's was copied
    std::string remembered;                  // of directories and removals, as it is on disk
    std::string remember_trouble;            // why it cannot be, as it was told last
    std::map<std::string, FileState> files;  // by file name
    std::map<std::string, Effective> effective;  // by app
    std::set<std::string> from_before;           // apps in force when this run began
    std::optional<std::map<std::string, std::string>> app_of_file;  // as accepted before this run
    std::optional<Desired> last_desired;  // what the last scan said, while it is still true
    std::vector<std::pair<std::filesystem::path, std::string>> last_unreadable;
    std::vector<UnsavedVersion> unsaved;
    bool all_saved = true;
    std::size_t saves = 0;  // in this scan
    bool recalled = false;  // what an earlier run left

    bool take_listing(const Listing& listing);
    bool take_file(const std::string& name, const FoundManifest& found);
    bool take_missing(const std::string& name, const FoundManifest& found);
    std::set<std::filesystem::path> named_paths() const;
    bool drop_missing(const Listing& listing, const std::map<std::string, FoundManifest>& bare);
    void read_file_again(const std::string& name, const FoundManifest& found, FileState& state);
    void compile_file(const std::string& name, FileState& state);
    std::string app_accepted_from(const std::string& file_name);

    const Effective* effective_version(const std::string& app, const std::string& file_name);
    std::map<std::string, VersionCandidate> gather(Desired& out);
    std::string holder_of(const std::string& app);
    // The app that was kept; "": none.
    std::string keep_former_app(const std::string& name,
                                const FileState& state,
                                std::map<std::string, VersionCandidate>& candidates);
    void gather_file(const std::string& name,
                     FileState& state,
                     std::map<std::string, VersionCandidate>& candidates,
                     Desired& out);
    void resolve_claim(const std::string& name,
                       const FileState& state,
                       const std::string& holder,
                       std::map<std::string, VersionCandidate>& candidates,
                       Desired& out);
    std::map<std::string, std::vector<Flaw>> flaws_of(
        const std::map<std::string, VersionCandidate>& candidates) const;
    void resolve_conflicts(std::map<std::string, VersionCandidate>& candidates, Desired& out);
    bool resolve_one_conflict(std::map<std::string, VersionCandidate>& candidates,
                              Desired& out,
                              std::set<std::string>& reported);
    void demote(const std::string& app, std::map<std::string, VersionCandidate>& candidates);
    void make_effective(const std::map<std::string, VersionCandidate>& candidates);
    const AcceptedText* text_of(const Effective& version) const;
    void save(const std::string& app, Effective& version);
    void note_unsaved(const std::string& app, Effective& version, const std::string& why);
    void save_former();

    // source_removal.cpp
    Listing look();
    DirectoryLook look_within(const std::filesystem::path& directory);
    Texts read_within(FileState& state);
    bool has_same_units(const FoundManifest& found, const std::vector<FoundUnit>& units);
    void recall();
    void recall_note();
    void expect_files();
    void expect_file(const std::string& app, const std::string& hash);
    void remember();
    bool forget_allowed();
    std::set<std::string> note_let_go(const Desired& out);
    bool yields(const std::string& name, const FileState& state);
    bool is_doubted(const FileState& state) const;
    std::set<std::string> named_apps() const;
    std::set<std::string> effective_apps() const;
    std::string unclear_file() const;
    bool is_configured(const std::filesystem::path& directory) const;
    HeldRemoval find_unclear(const Listing& listing) const;
    std::string file_of(const std::string& app);
    std::map<std::string, HeldRemoval> find_unconfigured(const std::set<std::string>& wanted);
    std::optional<std::set<std::string>> remembered_apps() const;
    static void report_lost(const std::string& app,
                            const std::filesystem::path& path,
                            Desired& out);
    void report_doubts(const Listing& listing, Desired& out);
    void hold_replaced(const std::string& app,
                       const std::string& name,
                       const FileState& state,
                       const std::string& holder,
                       Desired& out);
    void add_replaced(const std::set<std::string>& wanted,
                      std::map<std::string, HeldRemoval>& reasons) const;
    bool is_renamed(const std::string& app,
                    const std::map<std::string, VersionCandidate>& candidates);
    void report_held(const std::map<std::string, VersionCandidate>& candidates, Desired& out);
    std::set<std::string> hold_removals(const Listing& listing,
                                        std::map<std::string, VersionCandidate>& candidates,
                                        Desired& out);
    void hold(const std::string& app,
              const HeldRemoval& reason,
              std::map<std::string, VersionCandidate>& candidates,
              Desired& out);
    void drop_gone(const std::map<std::string, VersionCandidate>& candidates,
                   const std::set<std::string>& held);
};

}  // namespace podreeve::manifests
