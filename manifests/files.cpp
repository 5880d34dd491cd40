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

#include "manifests/companions.h"
#include "manifests/yaml.h"
#include "quadlet/drop_ins.h"
#include "quadlet/names.h"
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

// "web.container.d", "web-.container.d" or "container.d".
bool is_unit_drop_in_folder(const std::string& name) {
    if (!ends_with(name, ".d")) {
        return false;
    }
    const std::string stem = name.substr(0, name.size() - 2);
    return quadlet::unit_type_of(stem) || quadlet::unit_type_of("x." + stem);
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

// The *.conf files of a unit's drop-in folder: name -> file. One of "" says why it cannot be read.
void list_unit_drop_ins(const fs::path& folder,
                        uid_t owner,
                        std::map<std::string, FoundFile>& files) {
    std::vector<std::string> names;
    if (const int error = read_names(folder, names); error != 0 && error != ENOTDIR) {
        files[""] = {folder, {}, fmt::format("cannot be read: {}", std::strerror(error))};
    }
    for (const std::string& name : names) {
        if (!ends_with(name, ".conf") || name.front() == '.') {
            continue;
        }
        FoundFile file;
        const Sight sight = look_at(folder / name, owner, file);
        if (sight == Sight::File) {
            files[name] = std::move(file);
        } else if (sight == Sight::Masked) {
            files.erase(name);
        }
    }
}

// By folder ("web.container.d"), then by name.
using UnitDropIns = std::map<std::string, std::map<std::string, FoundFile>>;

void add_drop_ins(FoundUnit& unit, const UnitDropIns& drop_ins) {
    const std::string name = unit.file.path.filename().string();
    std::vector<quadlet::FoundDropIn> found;
    for (const std::string& folder : quadlet::drop_in_folders(name)) {
        const auto files = drop_ins.find(folder);
        if (files == drop_ins.end()) {
            continue;
        }
        for (const auto& [file_name, file] : files->second) {
            if (file_name.empty()) {
                unit.drop_ins.push_back(file);  // the unit counts as broken
            } else {
                found.push_back({folder, file_name, file.path.string()});
            }
        }
    }
    for (const quadlet::FoundDropIn& each : quadlet::effective_drop_ins(name, found)) {
        unit.drop_ins.push_back(drop_ins.at(each.folder).at(each.name));
    }
}

void add_unit(const std::string& name, Sight sight, FoundFile file, Listing& out) {
    if (sight == Sight::Masked) {
        out.units.erase(name);
    } else if (sight == Sight::File) {
        out.units[name].file = std::move(file);
    }
}

void list_directory(const fs::path& directory,
                    uid_t owner,
                    DropIns& drop_ins,
                    UnitDropIns& unit_drop_ins,
                    Listing& out) {
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
        if (kind == NameKind::UnitDropInDirectory) {
            list_unit_drop_ins(directory / name, owner, unit_drop_ins[name]);
            continue;
        }
        if (kind == NameKind::Ignored) {
            continue;
        }
        FoundFile file;
        const Sight entry = look_at(directory / name, owner, file);
        if (kind == NameKind::Unit) {
            add_unit(name, entry, std::move(file), out);
        } else if (entry == Sight::Masked) {
            out.manifests.erase(name);
        } else if (entry == Sight::File) {
            out.manifests[name].main = std::move(file);
        }
    }
}

Diagnostic about_file(const fs::path& path, std::string message) {
    return {{path.string(), 0, 0}, "", std::move(message), "", "", Severity::Error};
}

// A unit file with the drop-ins that lie beside it.
FoundUnit find_unit(const fs::path& path, uid_t owner) {
    FoundUnit out;
    const Sight sight = look_at(path, owner, out.file);
    if (sight != Sight::File) {
        out.file.trouble = sight == Sight::Gone ? "is not there" : "is a link to /dev/null";
        return out;
    }
    UnitDropIns drop_ins;
    for (const std::string& folder : quadlet::drop_in_folders(path.filename().string())) {
        list_unit_drop_ins(path.parent_path() / folder, owner, drop_ins[folder]);
    }
    add_drop_ins(out, drop_ins);
    return out;
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
    if (is_unit_drop_in_folder(name)) {
        return NameKind::UnitDropInDirectory;
    }
    return quadlet::unit_type_of(name) ? NameKind::Unit : NameKind::Ignored;
}

Listing list_manifests(const std::vector<fs::path>& directories, uid_t owner) {
    Listing out;
    DropIns drop_ins;
    UnitDropIns unit_drop_ins;
    for (const fs::path& directory : directories) {
        list_directory(directory, owner, drop_ins, unit_drop_ins, out);
    }
    for (auto& [name, unit] : out.units) {
        add_drop_ins(unit, unit_drop_ins);
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

std::map<std::string, FoundManifest> bare_manifests(const std::map<std::string, FoundUnit>& units,
                                                    const std::set<fs::path>& named) {
    std::map<std::string, FoundManifest> by_app;
    for (const auto& [name, unit] : units) {
        if (named.count(unit.file.path) > 0) {
            continue;
        }
        const std::string app = app_of_unit(name);
        FoundManifest& manifest = by_app[app.empty() ? name : app];
        if (manifest.units.empty()) {
            manifest.main = unit.file;
        }
        manifest.units.push_back(unit);
    }
    std::map<std::string, FoundManifest> out;
    for (auto& [app, manifest] : by_app) {
        std::string name = manifest.main.path.filename().string();
        out.emplace(std::move(name), std::move(manifest));
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
    if (quadlet::unit_type_of(file.filename().string())) {
        out.units = {find_unit(file, owner)};
        return out;
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

namespace {

// Reads the files of one manifest, and tells of those that may not be read.
class TextReader {
  public:
    TextReader(uid_t owner, std::vector<Diagnostic>& diagnostics, bool& good)
        : owner_(owner), diagnostics_(diagnostics), good_(good) {}

    std::string read(const FoundFile& file) {
        Result<std::string> text = read_manifest(file, owner_);
        if (!text) {
            diagnostics_.push_back(about_file(file.path, text.error().message));
            good_ = false;
        }
        return text ? std::move(*text) : std::string();
    }

    UnitSource read(const FoundUnit& unit) {
        UnitSource out{unit.file.path.string(), read(unit.file), {}};
        for (const FoundFile& drop_in : unit.drop_ins) {
            out.drop_ins.emplace_back(drop_in.path.string(), read(drop_in));
        }
        return out;
    }

  private:
    uid_t owner_;
    std::vector<Diagnostic>& diagnostics_;
    bool& good_;
};

}  // namespace

Texts read_texts(const FoundManifest& found, uid_t owner, std::vector<Diagnostic>& diagnostics) {
    Texts out;
    AcceptedText& text = out.text;
    text.file = found.main.path.string();
    TextReader reader(owner, diagnostics, out.good);
    for (const FoundUnit& unit : found.units) {
        text.units.push_back(reader.read(unit));
    }
    if (!found.units.empty()) {
        return out;
    }
    text.text = reader.read(found.main);
    for (const FoundFile& drop_in : found.drop_ins) {
        text.drop_ins.emplace_back(drop_in.path.string(), reader.read(drop_in));
    }
    for (const NamedUnit& named : named_units(text.file, text.text, text.drop_ins)) {
        out.named.push_back(find_unit(found.main.path.parent_path() / named.file, owner));
        const FoundFile& file = out.named.back().file;
        text.units.push_back(file.trouble.empty()
                                 ? reader.read(out.named.back())
                                 : UnitSource{file.path.string(), "", {}, file.trouble});
    }
    return out;
}

std::vector<FoundUnit> find_again(const std::vector<FoundUnit>& units, uid_t owner) {
    std::vector<FoundUnit> out;
    out.reserve(units.size());
    for (const FoundUnit& unit : units) {
        out.push_back(find_unit(unit.file.path, owner));
    }
    return out;
}

namespace {

bool is_fresh(const FoundFile& file, WallTime now) {
    const std::int64_t latest = std::max(file.stamp.modified_ns, file.stamp.changed_ns);
    return latest > now.time_since_epoch().count() - kFreshNs;
}

bool any_fresh(const std::vector<FoundFile>& files, WallTime now) {
    return std::any_of(files.begin(), files.end(),
                       [&](const FoundFile& file) { return is_fresh(file, now); });
}

}  // namespace

bool is_fresh(const std::vector<FoundUnit>& units, WallTime now) {
    return std::any_of(units.begin(), units.end(), [&](const FoundUnit& unit) {
        return is_fresh(unit.file, now) || any_fresh(unit.drop_ins, now);
    });
}

bool is_fresh(const FoundManifest& manifest, WallTime now) {
    return is_fresh(manifest.main, now) || any_fresh(manifest.drop_ins, now) ||
           is_fresh(manifest.units, now);
}

}  // namespace podreeve::manifests
