#include "agent/observe/unit_folder.h"

#include <algorithm>
#include <cerrno>
#include <sstream>
#include <sys/stat.h>
#include <vector>

#include <fmt/format.h>

#include "quadlet/names.h"
#include "quadlet/naming.h"
#include "quadlet/stamp.h"
#include "quadlet/unit.h"
#include "runtime/base/atomic_file.h"

namespace podreeve::observe {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kMaxBytes = 4 * 1024 * 1024;

// The names in a directory; one that is not there has none.
Result<std::vector<std::string>> names_in(const fs::path& directory) {
    std::vector<std::string> names;
    std::error_code error;
    fs::directory_iterator it(directory, error);
    for (const fs::directory_iterator end; !error && it != end; it.increment(error)) {
        names.push_back(it->path().filename().string());
    }
    if (error && error != std::errc::no_such_file_or_directory &&
        error != std::errc::not_a_directory) {
        return fail(Code::Unavailable,
                    fmt::format("cannot read {}: {}", directory.string(), error.message()));
    }
    return names;
}

std::string stamp_of(const struct stat& info) {
    return fmt::format("{}/{}/{}/{}.{}/{}.{}", info.st_dev, info.st_ino, info.st_size,
                       info.st_mtim.tv_sec, info.st_mtim.tv_nsec, info.st_ctim.tv_sec,
                       info.st_ctim.tv_nsec);
}

WallTime time_of(const timespec& time) {
    return WallTime(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

std::vector<std::string> instances_in(const std::string& text) {
    std::vector<std::string> out;
    std::istringstream words(quadlet::UnitFile::parse(text).file.last(kInstanceSection, "Names"));
    for (std::string word; words >> word;) {
        out.push_back(word);
    }
    return out;
}

}  // namespace

InstalledText read_installed(const std::string& text) {
    InstalledText out;
    const auto stamp = quadlet::read_stamp(text);
    // A damaged stamp is podreeve's all the same.
    out.ours = !stamp || stamp->has_value();
    if (stamp && *stamp) {
        out.hash = (*stamp)->hash;
        out.generation = (*stamp)->generation;
        out.untouched = quadlet::is_untouched(text);
    }
    return out;
}

Result<UnitFolder::Known> UnitFolder::read(const fs::path& path,
                                           const quadlet::PodmanRelease& podman) {
    struct stat info {};

    if (::lstat(path.c_str(), &info) != 0) {
        return errno_error(fmt::format("look at {}", path.string()), errno);
    }
    Known known;
    known.stamp = stamp_of(info);
    if (const auto before = known_.find(path.string());
        before != known_.end() && before->second.stamp == known.stamp) {
        return before->second;
    }
    // What is no file of ours, a link or a directory, is somebody's.
    if (S_ISREG(info.st_mode)) {
        ASSIGN_OR_RETURN(const std::string text, read_file(path, kMaxBytes));
        known.text = read_installed(text);
        if (quadlet::unit_type_of(path.filename().string())) {
            const auto unit = quadlet::Unit::read({path.string(), text}).unit;
            known.service = unit ? quadlet::service_name(*unit, podman) : "";
            known.resource = unit && path.extension() == ".container"
                                 ? quadlet::resource_name(*unit, podman).value_or("")
                                 : "";
        } else if (path.filename() == quadlet::kOwnDropIn) {
            known.instances = instances_in(text);
        }
    }
    known.text.modified = time_of(info.st_mtim);
    return known;
}

Result<InstalledUnits> UnitFolder::look_at_app(const fs::path& folder,
                                               const quadlet::PodmanRelease& podman) {
    InstalledUnits out;
    ASSIGN_OR_RETURN(const auto names, names_in(folder));
    for (const std::string& name : names) {
        const auto parsed = quadlet::parse_unit_name(name);
        if (!parsed) {
            continue;
        }
        const fs::path path = folder / name;
        ASSIGN_OR_RETURN(Known known, read(path, podman));
        InstalledUnit unit;
        unit.file = known.text;
        unit.path = path.string();
        unit.service = known.service;
        unit.resource = known.resource;
        unit.templated = parsed->templated && parsed->instance.empty();
        seen_[path.string()] = std::move(known);
        const fs::path drop_in_folder = path.string() + ".d";
        ASSIGN_OR_RETURN(const auto drop_ins, names_in(drop_in_folder));
        for (const std::string& drop_in : drop_ins) {
            if (drop_in.ends_with(".conf")) {
                ASSIGN_OR_RETURN(Known text, read(drop_in_folder / drop_in, podman));
                unit.drop_ins[drop_in] = text.text;
                if (!text.instances.empty()) {
                    unit.instances = text.instances;
                }
                seen_[(drop_in_folder / drop_in).string()] = std::move(text);
            }
        }
        out.emplace(name, std::move(unit));
    }
    return out;
}

Result<std::map<std::string, InstalledUnits>> UnitFolder::look(
    const quadlet::PodmanRelease& podman) {
    std::map<std::string, InstalledUnits> out;
    seen_.clear();
    unreadable_.clear();
    ASSIGN_OR_RETURN(const auto apps, names_in(folder_));
    for (const std::string& app : apps) {
        Result<InstalledUnits> units = look_at_app(folder_ / app, podman);
        if (!units) {
            unreadable_[app] = units.error().message;
        } else if (!units->empty()) {
            out.emplace(app, std::move(*units));
        }
    }
    const bool same = std::equal(known_.begin(), known_.end(), seen_.begin(), seen_.end(),
                                 [](const auto& a, const auto& b) {
                                     return a.first == b.first && a.second.stamp == b.second.stamp;
                                 });
    changed_ = looked_ && !same;
    looked_ = true;
    known_ = std::move(seen_);
    seen_.clear();
    return out;
}

}  // namespace podreeve::observe
