#include "manifests/directory_look.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include "quadlet/names.h"
#include "runtime/base/trust.h"
#include "runtime/base/unique_fd.h"

namespace podreeve::manifests {
namespace {

namespace fs = std::filesystem;

bool ends_with(std::string_view text, std::string_view end) {
    return text.size() > end.size() && text.substr(text.size() - end.size()) == end;
}

bool has_manifest_extension(std::string_view name) {
    return ends_with(name, ".yaml") || ends_with(name, ".yml") || ends_with(name, ".json");
}

// "web.container.d", "web-.container.d" or "container.d".
bool is_unit_drop_in_folder(const std::string& name) {
    if (!ends_with(name, ".d")) {
        return false;
    }
    const std::string stem = name.substr(0, name.size() - 2);
    return quadlet::unit_type_of(stem) || quadlet::unit_type_of("x." + stem);
}

constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t to_ns(const timespec& time) {
    return time.tv_sec * kSecond + time.tv_nsec;
}

FileStamp stamp_of(const struct stat& info) {
    return {info.st_dev,         info.st_ino,  info.st_size, to_ns(info.st_mtim),
            to_ns(info.st_ctim), info.st_mode, info.st_uid};
}

bool is_null_device(const struct stat& info) {
    return S_ISCHR(info.st_mode) && info.st_rdev == makedev(1, 3);
}

struct FoundEntry {
    Sight sight = Sight::Gone;
    int search_error = 0;  // why the directory itself keeps from looking at its names
};

// What stands behind a name, links followed. Of a link whose end is not there the name is there.
FoundEntry look_at_name(int directory, const std::string& name, uid_t owner, FoundFile& out) {
    struct stat info {};

    if (::fstatat(directory, name.c_str(), &info, 0) == 0) {
        out.stamp = stamp_of(info);
        out.trouble = is_null_device(info) ? "" : trouble_of(info, owner, out.path);
        return {is_null_device(info) ? Sight::Masked : Sight::File, 0};
    }
    const int error = errno;
    out.trouble = fmt::format("cannot be reached: {}", std::strerror(error));
    if (::fstatat(directory, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
        return {Sight::File, 0};
    }
    const int own_error = errno;
    return {own_error == ENOENT ? Sight::Gone : Sight::File, own_error == EACCES ? EACCES : 0};
}

// An open directory: names are looked at below it, so that a link to it that is swapped meanwhile
// mixes nothing.
struct OpenDirectory {
    DirectoryStream stream;
    int error = 0;  // why it cannot be opened or read
    std::vector<std::string> names;

    int fd() const { return ::dirfd(stream.get()); }
};

OpenDirectory open_directory(int parent, const std::string& name) {
    OpenDirectory out;
    UniqueFd fd(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) {
        out.error = errno;
        return out;
    }
    out.stream.reset(::fdopendir(fd.get()));
    if (!out.stream) {
        out.error = errno;
        return out;
    }
    fd.release();
    return out;
}

void read_names(OpenDirectory& directory) {
    errno = 0;
    while (const dirent* entry = ::readdir(directory.stream.get())) {
        directory.names.emplace_back(entry->d_name);
        errno = 0;
    }
    directory.error = errno;
    std::sort(directory.names.begin(), directory.names.end());
}

std::string cannot_be_read(int error) {
    return fmt::format("cannot be read: {}", std::strerror(error));
}

bool is_drop_in(const std::string& name, FolderOf of) {
    return of == FolderOf::Unit ? ends_with(name, ".conf") && name.front() != '.'
                                : classify_name(name) == NameKind::Manifest;
}

// path: what is told of it; it is opened as name below parent.
FolderLook look_at_folder(
    int parent, const std::string& name, const fs::path& path, FolderOf of, uid_t owner) {
    FolderLook out;
    OpenDirectory folder = open_directory(parent, name);
    if (folder.stream) {
        struct stat info {};

        ::fstat(folder.fd(), &info);
        // Taken before the names are read: what changes meanwhile counts as changed later.
        out.changed_ns = to_ns(info.st_mtim);
        out.trouble = distrust_of(info, owner, path);
        if (!out.trouble.empty()) {
            return out;
        }
        read_names(folder);
    } else if (folder.error == ENOENT || (of == FolderOf::Unit && folder.error == ENOTDIR)) {
        return out;
    }
    for (const std::string& each : folder.names) {
        if (!is_drop_in(each, of)) {
            continue;
        }
        SeenName entry;
        entry.file.path = path / each;
        const FoundEntry at = look_at_name(folder.fd(), each, owner, entry.file);
        if (at.search_error != 0) {
            folder.error = at.search_error;
            continue;
        }
        entry.masked = at.sight == Sight::Masked;
        if (at.sight != Sight::Gone) {
            out.entries.emplace(each, std::move(entry));
        }
    }
    out.trouble = folder.error == 0 ? "" : cannot_be_read(folder.error);
    return out;
}

void add_folder(int directory, const std::string& name, uid_t owner, DirectoryLook& out) {
    const FolderOf of =
        classify_name(name) == NameKind::UnitDropInDirectory ? FolderOf::Unit : FolderOf::Manifest;
    FolderLook folder = look_at_folder(directory, name, out.path / name, of, owner);
    if (!folder.trouble.empty()) {
        out.folder_troubles[name] = std::move(folder.trouble);
    }
    out.changed_ns[name] = folder.changed_ns;
    for (auto& [each, entry] : folder.entries) {
        out.entries.emplace(name + "/" + each, std::move(entry));
    }
}

void look_at_entry(int directory, const std::string& name, uid_t owner, DirectoryLook& out) {
    switch (classify_name(name)) {
        case NameKind::Ignored:
            return;
        case NameKind::DropInDirectory:
        case NameKind::UnitDropInDirectory:
            add_folder(directory, name, owner, out);
            return;
        case NameKind::Manifest:
        case NameKind::Unit:
            break;
    }
    SeenName entry;
    entry.file.path = out.path / name;
    const FoundEntry at = look_at_name(directory, name, owner, entry.file);
    if (at.search_error != 0) {
        out.trouble = cannot_be_read(at.search_error);
        return;
    }
    entry.masked = at.sight == Sight::Masked;
    if (at.sight != Sight::Gone) {
        out.entries.emplace(name, std::move(entry));
    }
}

}  // namespace

NameKind classify_name(const std::string& name) {
    const bool temporary = name.empty() || name.front() == '.' || name.front() == '#' ||
                           name.back() == '~' || name.back() == '#';
    if (temporary) {
        return NameKind::Ignored;
    }
    if (ends_with(name, ".d") && has_manifest_extension(name.substr(0, name.size() - 2))) {
        return NameKind::DropInDirectory;
    }
    if (has_manifest_extension(name)) {
        return NameKind::Manifest;
    }
    if (is_unit_drop_in_folder(name)) {
        return NameKind::UnitDropInDirectory;
    }
    return quadlet::unit_type_of(name) ? NameKind::Unit : NameKind::Ignored;
}

std::string trouble_of(const struct stat& info, uid_t owner, const fs::path& path) {
    return S_ISREG(info.st_mode) ? distrust_of(info, owner, path) : "is not a regular file";
}

DirectoryLook look_at_directory(const fs::path& path, uid_t owner) {
    DirectoryLook out;
    out.path = path;
    OpenDirectory directory = open_directory(AT_FDCWD, path.string());
    out.exists = directory.error != ENOENT;
    if (directory.stream) {
        struct stat info {};

        ::fstat(directory.fd(), &info);
        out.device = info.st_dev;
        out.inode = info.st_ino;
        out.changed_ns[""] = to_ns(info.st_mtim);
        out.trouble = distrust_of(info, owner, path);
        if (out.trouble.empty()) {
            out.trouble = distrust_above(path);
        }
        if (!out.trouble.empty()) {
            return out;
        }
        read_names(directory);
    }
    if (directory.error != 0 && out.exists) {
        out.trouble = cannot_be_read(directory.error);
    }
    for (const std::string& name : directory.names) {
        look_at_entry(directory.fd(), name, owner, out);
    }
    return out;
}

Sight look_at(const fs::path& path, uid_t owner, FoundFile& out) {
    out.path = path;
    return look_at_name(AT_FDCWD, path.string(), owner, out).sight;
}

FolderLook look_at_folder(const fs::path& folder, FolderOf of, uid_t owner) {
    return look_at_folder(AT_FDCWD, folder.string(), folder, of, owner);
}

}  // namespace podreeve::manifests
