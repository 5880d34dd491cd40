#include "manifests/files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <fmt/format.h>

#include "manifests/yaml.h"
#include "runtime/base/unique_fd.h"

namespace podreeve::manifests {
namespace {

namespace fs = std::filesystem;

// Ticks of file time are at most 10 ms; clocks and slow network file systems get the rest.
constexpr std::int64_t kFreshNs = 2'000'000'000;

bool ends_with(std::string_view text, std::string_view end) {
    return text.size() > end.size() && text.substr(text.size() - end.size()) == end;
}

bool has_manifest_extension(std::string_view name) {
    return ends_with(name, ".yaml") || ends_with(name, ".yml") || ends_with(name, ".json");
}

bool has_companion_extension(std::string_view name) {
    for (const char* extension :
         {".container", ".pod", ".kube", ".volume", ".network", ".image", ".build"}) {
        if (ends_with(name, extension)) {
            return true;
        }
    }
    return false;
}

Stamp stamp_of(const struct stat& info) {
    constexpr std::int64_t kSecond = 1'000'000'000;
    return {info.st_dev,
            info.st_ino,
            info.st_size,
            info.st_mtim.tv_sec * kSecond + info.st_mtim.tv_nsec,
            info.st_ctim.tv_sec * kSecond + info.st_ctim.tv_nsec,
            info.st_mode,
            info.st_uid};
}

bool is_null_device(const struct stat& info) {
    return S_ISCHR(info.st_mode) && info.st_rdev == makedev(1, 3);
}

std::string trouble_of(const struct stat& info, uid_t owner) {
    if (!S_ISREG(info.st_mode)) {
        return "is not a regular file";
    }
    if (info.st_uid != owner && info.st_uid != 0) {
        return fmt::format(
            "belongs to user {}; only user {} and root may write manifests: chown it", info.st_uid,
            owner);
    }
    if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return "may be written by others; run chmod go-w on it";
    }
    return {};
}

enum class Sight { File, Masked, Gone };

// What stands at path, links followed.
Sight look_at(const fs::path& path, uid_t owner, FoundFile& out) {
    struct stat info {};

    out.path = path;
    if (::stat(path.c_str(), &info) == 0) {
        out.stamp = stamp_of(info);
        out.trouble = is_null_device(info) ? "" : trouble_of(info, owner);
        return is_null_device(info) ? Sight::Masked : Sight::File;
    }
    const int error = errno;
    if (::lstat(path.c_str(), &info) != 0) {
        return Sight::Gone;
    }
    out.trouble = fmt::format("cannot be reached: {}", std::strerror(error));
    return Sight::File;
}

struct CloseDirectory {
    void operator()(DIR* dir) const { ::closedir(dir); }
};

using Directory = std::unique_ptr<DIR, CloseDirectory>;

// The names in a directory, sorted. One that is not there has none; another failure is errno.
int read_names(const fs::path& path, std::vector<std::string>& out) {
    const Directory directory(::opendir(path.c_str()));
    if (!directory) {
        return errno == ENOENT ? 0 : errno;
    }
    errno = 0;
    while (const dirent* entry = ::readdir(directory.get())) {
        out.emplace_back(entry->d_name);
        errno = 0;
    }
    const int error = errno;
    std::sort(out.begin(), out.end());
    return error;
}

using DropIns = std::map<std::string, std::map<std::string, FoundFile>>;  // manifest, drop-in

void list_drop_ins(const fs::path& directory,
                   const std::string& manifest,
                   uid_t owner,
                   DropIns& drop_ins) {
    std::vector<std::string> names;
    if (const int error = read_names(directory, names); error != 0) {
        // Without its drop-ins the manifest would say something else: it counts as broken.
        drop_ins[manifest][""] = {
            directory, {}, fmt::format("cannot be read: {}", std::strerror(error))};
    }
    for (const std::string& name : names) {
        if (classify_name(name) != NameKind::Manifest) {
            continue;
        }
        FoundFile file;
        const Sight entry = look_at(directory / name, owner, file);
        if (entry == Sight::File) {
            drop_ins[manifest][name] = std::move(file);
        } else if (entry == Sight::Masked) {
            drop_ins[manifest].erase(name);
        }
    }
}

void list_directory(const fs::path& directory, uid_t owner, DropIns& drop_ins, Listing& out) {
    std::vector<std::string> names;
    if (const int error = read_names(directory, names); error != 0) {
        out.unreadable.emplace_back(directory, std::strerror(error));
    }
    for (const std::string& name : names) {
        const NameKind kind = classify_name(name);
        if (kind == NameKind::DropInDirectory) {
            list_drop_ins(directory / name, name.substr(0, name.size() - 2), owner, drop_ins);
            continue;
        }
        if (kind == NameKind::Ignored) {
            continue;
        }
        FoundFile file;
        const Sight entry = look_at(directory / name, owner, file);
        if (entry == Sight::Masked) {
            out.manifests.erase(name);
            out.companions.erase(name);
        } else if (entry == Sight::File && kind == NameKind::Companion) {
            out.companions[name] = file.path;
        } else if (entry == Sight::File) {
            out.manifests[name].main = std::move(file);
        }
    }
}

Diagnostic about_file(const fs::path& path, std::string message) {
    return {{path.string(), 0, 0}, "", std::move(message), "", "", Severity::Error};
}

Result<std::string> read_all(int fd, const std::string& name) {
    std::string out;
    char buffer[16 * 1024];
    while (out.size() <= kMaxFileBytes) {
        const ssize_t n = ::read(fd, buffer, sizeof buffer);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return errno_error(fmt::format("read {}", name), errno);
        }
        if (n == 0) {
            break;
        }
        out.append(buffer, static_cast<std::size_t>(n));
    }
    return out;
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
    return has_companion_extension(name) ? NameKind::Companion : NameKind::Ignored;
}

Listing list_manifests(const std::vector<fs::path>& directories, uid_t owner) {
    Listing out;
    DropIns drop_ins;
    for (const fs::path& directory : directories) {
        list_directory(directory, owner, drop_ins, out);
    }
    for (auto& [manifest, files] : drop_ins) {
        const auto found = out.manifests.find(manifest);
        if (found == out.manifests.end()) {
            continue;  // a vendor may ship a drop-in for what is not installed
        }
        for (auto& [name, file] : files) {
            found->second.drop_ins.push_back(std::move(file));
        }
    }
    return out;
}

std::optional<FoundManifest> find_manifest(const fs::path& file, uid_t owner) {
    FoundManifest out;
    const Sight sight = look_at(file, owner, out.main);
    if (sight == Sight::Masked) {
        return std::nullopt;
    }
    if (sight == Sight::Gone) {
        out.main.trouble = "is not there";
    }
    DropIns drop_ins;
    list_drop_ins(file.string() + ".d", "", owner, drop_ins);
    for (auto& [name, drop_in] : drop_ins[""]) {
        out.drop_ins.push_back(std::move(drop_in));
    }
    return out;
}

std::vector<Diagnostic> left_out(const Listing& listing) {
    std::vector<Diagnostic> out;
    for (const auto& [directory, why] : listing.unreadable) {
        out.push_back(about_file(directory, fmt::format("cannot read this directory: {}", why)));
    }
    for (const auto& [name, path] : listing.companions) {
        out.push_back(about_file(
            path,
            "Quadlet units are not read from here yet; move it away, or write the app as a "
            "manifest"));
    }
    return out;
}

Result<std::string> read_manifest(const FoundFile& file, uid_t owner) {
    const std::string name = file.path.string();
    if (!file.trouble.empty()) {
        return Error{Code::Denied, file.trouble};
    }
    // O_NONBLOCK: a FIFO put where a file is expected must not hang the reader.
    const UniqueFd fd(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));

    struct stat info {};

    if (!fd || ::fstat(fd.get(), &info) != 0) {
        return Error{Code::Unavailable, fmt::format("cannot be read: {}", std::strerror(errno))};
    }
    if (std::string trouble = trouble_of(info, owner); !trouble.empty()) {
        return Error{Code::Denied, std::move(trouble)};
    }
    return read_all(fd.get(), name);
}

std::optional<AcceptedText> read_texts(const FoundManifest& found,
                                       uid_t owner,
                                       std::vector<Diagnostic>& diagnostics) {
    AcceptedText out;
    bool good = true;
    const auto read = [&](const FoundFile& file) {
        Result<std::string> text = read_manifest(file, owner);
        if (!text) {
            diagnostics.push_back(about_file(file.path, text.error().message));
            good = false;
        }
        return text ? std::move(*text) : std::string();
    };
    out.file = found.main.path.string();
    out.text = read(found.main);
    for (const FoundFile& drop_in : found.drop_ins) {
        out.drop_ins.emplace_back(drop_in.path.string(), read(drop_in));
    }
    return good ? std::optional<AcceptedText>(std::move(out)) : std::nullopt;
}

bool is_fresh(const FoundManifest& manifest, WallTime now) {
    const std::int64_t now_ns = now.time_since_epoch().count();
    const auto fresh = [&](const FoundFile& file) {
        const std::int64_t latest = std::max(file.stamp.modified_ns, file.stamp.changed_ns);
        return latest > now_ns - kFreshNs;
    };
    return fresh(manifest.main) ||
           std::any_of(manifest.drop_ins.begin(), manifest.drop_ins.end(), fresh);
}

}  // namespace podreeve::manifests
