#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <sys/stat.h>
#include <sys/types.h>

// One look at a manifest directory and at what its names lead to. What cannot be reached is there,
// with trouble: only a name of which the system says that it does not exist is not.
namespace podreeve::manifests {

// What a stat tells of a file, enough to see that it is another one than before.
struct FileStamp {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    std::int64_t modified_ns = 0;
    std::int64_t changed_ns = 0;
    mode_t mode = 0;
    uid_t owner = 0;
    friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

struct FoundFile {
    std::filesystem::path path;
    FileStamp stamp;
    std::string trouble;  // why it must not be read; empty: it may
    // It is not to be seen now, and not known to be gone: what it said last still holds.
    bool missing = false;
    friend bool operator==(const FoundFile&, const FoundFile&) = default;
};

enum class NameKind { Manifest, DropInDirectory, Unit, UnitDropInDirectory, Ignored };

// What a name in a manifest directory is: "web.yaml", "web.yaml.d", "web.container",
// "web.container.d", "container.d"; editors' temporary files and all else are ignored.
NameKind classify_name(const std::string& name);

struct SeenName {
    FoundFile file;
    bool masked = false;  // a link to /dev/null
};

struct DirectoryLook {
    std::filesystem::path path;
    bool exists = false;
    // Why it cannot be listed or searched, or is not to be believed since others may write there;
    // empty: all of it was seen.
    std::string trouble;
    dev_t device = 0;
    ino_t inode = 0;
    // By name below the directory: "web.yaml", "web.yaml.d/10-port.yaml", "web.container".
    std::map<std::string, SeenName> entries;
    // Drop-in folders that cannot be listed or searched, by name, and why.
    std::map<std::string, std::string> folder_troubles;
    // When names were last made or removed: in the directory by "", in a drop-in folder by its
    // name.
    std::map<std::string, std::int64_t> changed_ns;
};

DirectoryLook look_at_directory(const std::filesystem::path& path, uid_t owner);

// One file wherever it is, links followed.
enum class Sight { File, Masked, Gone };
Sight look_at(const std::filesystem::path& path, uid_t owner, FoundFile& out);

struct FolderLook {
    std::string trouble;  // why it cannot be listed or searched, or is not to be believed
    std::int64_t changed_ns = 0;
    std::map<std::string, SeenName> entries;  // by name
};

enum class FolderOf { Manifest, Unit };

// The drop-ins in a folder beside a manifest or a unit. One that is not there has none.
FolderLook look_at_folder(const std::filesystem::path& folder, FolderOf of, uid_t owner);

// Why the file at path must not be read as a manifest; empty: it may.
std::string trouble_of(const struct stat& info, uid_t owner, const std::filesystem::path& path);

}  // namespace podreeve::manifests
