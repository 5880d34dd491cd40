#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <sys/types.h>
#include <vector>

#include "manifests/accepted.h"
#include "manifests/directory_look.h"
#include "runtime/base/clock.h"
#include "runtime/base/diagnostic.h"
#include "runtime/base/result.h"

// The manifest directories as they are on disk: which names count, and what stands behind them.
namespace podreeve::manifests {

// A unit file with its drop-ins, in the order in which Quadlet merges them.
struct FoundUnit {
    FoundFile file;
    std::vector<FoundFile> drop_ins;
    friend bool operator==(const FoundUnit&, const FoundUnit&) = default;
};

// One manifest with its drop-ins, in the order in which they are merged; or the bare unit files of
// one app, the first of which is main, too.
struct FoundManifest {
    FoundFile main;
    std::vector<FoundFile> drop_ins;
    std::vector<FoundUnit> units = {};
    friend bool operator==(const FoundManifest&, const FoundManifest&) = default;
};

// Whether any of its files is out of sight: then it is not to be read anew.
bool any_missing(const FoundManifest& manifest);
// Whether what it is made of is, all of it: its drop-ins aside.
bool is_missing(const FoundManifest& manifest);

struct Listing {
    std::map<std::string, FoundManifest> manifests;  // by file name; a masked one is not there
    std::map<std::string, FoundUnit> units;          // by file name; a masked one is not there
    std::vector<std::pair<std::filesystem::path, std::string>> unreadable;  // directory, why
};

// All directories, later ones over earlier ones by file name, drop-ins likewise.
Listing merge_looks(const std::vector<DirectoryLook>& looks);

// The same, looked at now. A directory that does not exist is empty. owner: who, beside root, may
// own a manifest.
Listing list_manifests(const std::vector<std::filesystem::path>& directories, uid_t owner);

// The bare unit files, without those at the paths that manifests name, as manifests: one an app, by
// the name of its first file.
std::map<std::string, FoundManifest> bare_manifests(const std::map<std::string, FoundUnit>& units,
                                                    const std::set<std::filesystem::path>& named);

// One manifest with its drop-ins, whatever its name, as it would be found in its directory; nothing
// when it is masked: a link to /dev/null. A unit file is one of its own.
std::optional<FoundManifest> find_manifest(const std::filesystem::path& file, uid_t owner);

// What the listing leaves out, and why: directories that cannot be read.
std::vector<Diagnostic> left_out(const Listing& listing);

// The text of a found file, checked again on the open file, so that it cannot be exchanged between
// the look and the reading.
Result<std::string> read_manifest(const FoundFile& file, uid_t owner);

// All texts of a manifest, for compile().
struct Texts {
    AcceptedText text;
    std::vector<FoundUnit> named;  // the unit files it names, as they were found
    bool good = true;              // false: one may not be read; what and why is in diagnostics
};

Texts read_texts(const FoundManifest& found, uid_t owner, std::vector<Diagnostic>& diagnostics);

// The same unit files, as they are found now.
std::vector<FoundUnit> find_again(const std::vector<FoundUnit>& units, uid_t owner);

// Whether the file changed so shortly before now that a second change within the tick of the file
// system's clock would leave the same stamp.
bool is_fresh(const FoundManifest& manifest, WallTime now);
bool is_fresh(const std::vector<FoundUnit>& units, WallTime now);

}  // namespace podreeve::manifests
