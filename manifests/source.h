#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <sys/types.h>
#include <vector>

#include "manifests/accepted.h"
#include "manifests/model.h"
#include "runtime/base/clock.h"
#include "runtime/base/disk_waits.h"
#include "runtime/base/result.h"

namespace podreeve::manifests {

struct SourceConfig {
    std::vector<std::filesystem::path> directories;  // later ones win by file name
    std::filesystem::path accepted_dir;  // 0700; last good versions, one 0600 file a generation
    uid_t owner = 0;                     // who, beside root, may own a manifest
    // Tells which files are so fresh that their stamp cannot be trusted yet; null: the machine's.
    std::shared_ptr<const Clock> clock;
    // Tells how far apart two looks are; null: the same.
    std::shared_ptr<const Clock> looks = nullptr;
    // How far apart two looks are by which a file is gone.
    Duration gone_after = std::chrono::seconds(2);
    std::string boot_id = {};  // of this boot of the machine
    // How long a file system may take to answer.
    Duration patience = std::chrono::seconds(2);
    // Directories below it are new after each boot.
    std::filesystem::path volatile_below = "/run";
    // Told who waits for accepted_dir; null: nobody watches over it. It outlives the source.
    DiskWaits* disk = nullptr;
};

// Reads the manifest directories into Desired. Files are parsed again only when size, mtime, inode
// or drop-ins changed. A file that is broken keeps its last good version in force, also over a
// restart: each version that was accepted is kept as text in accepted_dir (0600, since it can hold
// secrets). Any thread may call; calls wait for each other. Reads files, so never on the loop
// thread.
//
// What is not to be seen is not gone for that (presence.h says what is believed), and many apps
// that go at once are held (removal_guard.h): such an app stays as it last was, and `held` says so.
// Which directories were seen, and what is held, is remembered in accepted_dir.
//
// Of apps that clash, the one whose version is in force keeps what it has, and of two that are new
// the one whose file name comes first: a new file never takes anything from a running app. An app
// in force stays so when what it depends on goes; it then has a problem, and `apps` may lack what
// it depends on.
class ManifestSource {
  public:
    explicit ManifestSource(SourceConfig config);
    ~ManifestSource();

    // One scan over all directories. Never fails as a whole: what is wrong is in Desired.
    Desired scan();

    // The spec of an app as it was accepted under that hash (AppSpec's spec_hash), from memory or
    // from accepted_dir; null when it is not kept any more.
    std::shared_ptr<const AppSpec> accepted(const std::string& app, const std::string& spec_hash);

    // A person said that these go: of those that are held, with the next scan.
    void allow_removal(const std::set<std::string>& apps);

    // Forgets the kept versions of an app but those named.
    void forget_accepted(const std::string& app, const std::vector<std::string>& keep_hashes);
    // Apps of which any version is kept in accepted_dir.
    std::vector<std::string> accepted_apps() const;

    const SourceConfig& config() const { return config_; }

  private:
    struct Cache;
    SourceConfig config_;
    std::unique_ptr<Cache> cache_;
};

// What one text compiles to, without looking at any other file: for `podreeve check` and the
// source.
struct Compiled {
    std::shared_ptr<const AppSpec> app;  // null when there are errors
    std::string app_name;                // as far as it could be told
    bool could_be_any = false;           // broken, and its text alone could tell the app
    std::vector<Diagnostic> diagnostics;
};

// text: the manifest; drop_ins: (file name, text), merged in this order.
Compiled compile(const std::string& file,
                 const std::string& text,
                 const std::vector<std::pair<std::string, std::string>>& drop_ins = {});

// With the unit files that it names, or is made of.
Compiled compile(const AcceptedText& text);

// What only shows over all apps: duplicate apps, names of containers, pods or volumes that clash,
// host ports that clash, cycles (path printed). A dependency that is neither among apps nor known
// is a warning: it may be deployed from elsewhere. known: names of apps that have errors of their
// own. Returns the problems by app; of two that clash the one whose file name comes first keeps
// what it has.
std::map<std::string, std::vector<Diagnostic>> validate_together(
    const std::map<std::string, std::shared_ptr<const AppSpec>>& apps,
    const std::set<std::string>& known = {});

}  // namespace podreeve::manifests
