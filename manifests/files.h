#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "manifests/accepted.h"
#include "manifests/diagnostic.h"
#include "runtime/base/clock.h"
#include "runtime/base/result.h"

// The manifest directories as they are on disk: which names count, and what stands behind them.
namespace podreeve::manifests {

// What a stat tells of a file, enough to see that it is another one than before.
struct Stamp {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    std::int64_t modified_ns = 0;
    std::int64_t changed_ns = 0;
    mode_t mode = 0;
    uid_t owner = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
};

struct FoundFile {
    std::filesystem::path path;
    Stamp stamp;
    std::string trouble;  // why it must not be read; empty: it may
    friend bool operator==(const FoundFile&, const FoundFile&) = default;
};

// One manifest with its drop-ins, in the order in which they are merged.
struct FoundManifest {
    FoundFile main;
    std::vector<FoundFile> drop_ins;
    friend bool operator==(const FoundManifest&, const FoundManifest&) = default;
};

enum class NameKind { Manifest, DropInDirectory, Companion, Ignored };

// What a name in a manifest directory is: "web.yaml", "web.yaml.d", "web.container"; editors'
// temporary files and all else are ignored.
NameKind classify_name(const std::string& name);

struct Listing {
    std::map<std::string, FoundManifest> manifests;  // by file name; a masked one is not there
    std::map<std::string, std::filesystem::path> companions;
    std::vector<std::pair<std::filesystem::path, std::string>> unreadable;  // directory, why
};

// All directories, later ones over earlier ones by file name, drop-ins likewise. A directory that
// does not exist is empty. owner: who, beside root, may own a manifest.
Listing list_manifests(const std::vector<std::filesystem::path>& directories, uid_t owner);

// One manifest with its drop-ins, whatever its name, as it would be found in its directory; nothing
// when it is masked: a link to /dev/null.
std::optional<FoundManifest> find_manifest(const std::filesystem::path& file, uid_t owner);

// What the listing leaves out, and why: directories that cannot be read, companions.
std::vector<Diagnostic> left_out(const Listing& listing);

// The text of a found file, checked again on the open file, so that it cannot be exchanged between
// the look and the reading.
Result<std::string> read_manifest(const FoundFile& file, uid_t owner);

// All texts of a manifest, for compile(). Nothing when one may not be read: what and why is then in
// diagnostics.
std::optional<AcceptedText> read_texts(const FoundManifest& found,
                                       uid_t owner,
                                       std::vector<Diagnostic>& diagnostics);

// Whether the file changed so shortly before now that a second change within the tick of the file
// system's clock would leave the same stamp.
bool is_fresh(const FoundManifest& manifest, WallTime now);

}  // namespace podreeve::manifests
