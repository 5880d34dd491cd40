#include "manifests/files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
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

using DropIns = std::map<std::string, std::map<std::string, FoundFile>>;  // manifest, drop-in

FoundFile folder_trouble(const fs::path& folder, const std::string& why) {
    return {folder, {}, why};
}

void add_entry(const std::string& name, SeenName entry, std::map<std::string, FoundFile>& files) {
    if (entry.masked) {
        files.erase(name);
    } else {
        files[name] = std::move(entry.file);
    }
}

// One of "" says why the folder cannot be read: without its drop-ins the manifest would say
// something else, so that it counts as broken.
std::map<std::string, FoundFile> drop_ins_in(const fs::path& folder, FolderOf of, uid_t owner) {
    std::map<std::string, FoundFile> out;
    FolderLook look = look_at_folder(folder, of, owner);
    if (!look.trouble.empty()) {
        out[""] = folder_trouble(folder, look.trouble);
    }
    for (auto& [name, entry] : look.entries) {
        add_entry(name, std::move(entry), out);
    }
    return out;
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

void add_main(const std::string& name, const SeenName& entry, Listing& out) {
    const bool is_unit = classify_name(name) == NameKind::Unit;
    if (entry.masked) {
        out.manifests.erase(name);
        out.units.erase(name);
    } else if (is_unit) {
        out.units[name].file = entry.file;
    } else {
        out.manifests[name].main = entry.file;
    }
}

// By the manifest, or by the unit's drop-in folder; then by name.
struct AllDropIns {
    DropIns manifests;
    UnitDropIns units;

    std::map<std::string, FoundFile>& of(const std::string& folder) {
        return classify_name(folder) == NameKind::UnitDropInDirectory
                   ? units[folder]
                   : manifests[folder.substr(0, folder.size() - 2)];
    }
};

void add_look(const DirectoryLook& look, AllDropIns& drop_ins, Listing& out) {
    if (!look.trouble.empty()) {
        out.unreadable.emplace_back(look.path, look.trouble);
    }
    for (const auto& [folder, why] : look.folder_troubles) {
        drop_ins.of(folder)[""] = folder_trouble(look.path / folder, why);
    }
    for (const auto& [name, entry] : look.entries) {
        const std::size_t slash = name.find('/');
        if (slash == std::string::npos) {
            add_main(name, entry, out);
        } else {
            add_entry(name.substr(slash + 1), entry, drop_ins.of(name.substr(0, slash)));
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
        drop_ins[folder] = drop_ins_in(path.parent_path() / folder, FolderOf::Unit, owner);
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

bool any_missing(const FoundManifest& manifest) {
    const auto missing = [](const FoundFile& file) { return file.missing; };
    const auto any = [&](const std::vector<FoundFile>& files) {
        return std::any_of(files.begin(), files.end(), missing);
    };
    return missing(manifest.main) || any(manifest.drop_ins) ||
           std::any_of(manifest.units.begin(), manifest.units.end(), [&](const FoundUnit& unit) {
               return missing(unit.file) || any(unit.drop_ins);
           });
}

bool is_missing(const FoundManifest& manifest) {
    return manifest.main.missing &&
           std::all_of(manifest.units.begin(), manifest.units.end(),
                       [](const FoundUnit& unit) { return unit.file.missing; });
}

Listing merge_looks(const std::vector<DirectoryLook>& looks) {
    Listing out;
    AllDropIns drop_ins;
    for (const DirectoryLook& look : looks) {
        add_look(look, drop_ins, out);
    }
    for (auto& [name, unit] : out.units) {
        add_drop_ins(unit, drop_ins.units);
    }
    for (auto& [manifest, files] : drop_ins.manifests) {
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

Listing list_manifests(const std::vector<fs::path>& directories, uid_t owner) {
    std::vector<DirectoryLook> looks;
    looks.reserve(directories.size());
    for (const fs::path& directory : directories) {
        looks.push_back(look_at_directory(directory, owner));
    }
    return merge_looks(looks);
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
    for (auto& [name, drop_in] : drop_ins_in(file.string() + ".d", FolderOf::Manifest, owner)) {
        out.drop_ins.push_back(std::move(drop_in));
    }
    return out;
}

std::vector<Diagnostic> left_out(const Listing& listing) {
    std::vector<Diagnostic> out;
    for (const auto& [directory, why] : listing.unreadable) {
        out.push_back(about_file(directory, why));
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
    if (std::string trouble = trouble_of(info, owner, file.path); !trouble.empty()) {
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
