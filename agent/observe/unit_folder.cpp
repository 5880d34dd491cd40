#include "agent/observe/unit_folder.h"

#include <algorithm>
#include <cerrno>
#include <sstream>
#include <sys/stat.h>
#include <vector>

#include <fmt/format.h>

#include "quadlet/names.h"
#include "quadlet/naming.h"
#include "quadlet/unit.h"
#include "runtime/base/atomic_file.h"

namespace podreeve::observe {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kMaxBytes = 4 * 1024 * 1024;

enum class AFile { HoldsNothing, IsAnError };

// The names in a directory; one that is not there has none.
Result<std::vector<std::string>> names_in(const fs::path& directory, AFile instead) {
    std::vector<std::string> names;
    std::error_code error;
    fs::directory_iterator it(directory, error);
    for (const fs::directory_iterator end; !error && it != end; it.increment(error)) {
        names.push_back(it->path().filename().string());
    }
    const bool empty = error == std::errc::no_such_file_or_directory ||
                       (error == std::errc::not_a_directory && instead == AFile::HoldsNothing);
    if (error && !empty) {
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

InstalledText read_installed(const std::string& text, const quadlet::StampOwner& owner) {
    InstalledText out;
    const auto stamp = quadlet::read_stamp(text);
    out.ours = quadlet::is_stamped_by(text, owner);
    if (stamp && *stamp) {
        out.hash = (*stamp)->hash;
        out.generation = (*stamp)->generation;
        out.untouched = quadlet::is_untouched(text);
    }
    return out;
}

// One look: all that it needs and all that it finds, so that it can be left behind.
struct UnitFolder::Look {
    fs::path folder;
    quadlet::StampOwner owner;
    quadlet::PodmanRelease podman;
    std::shared_ptr<const Files> known;  // from the look before

    Status done = {};
    fs::path real = {};
    std::map<std::string, InstalledUnits> found = {};
    Files seen = {};
    std::map<std::string, std::string> unreadable = {};

    void run();
    Status look_at_apps();
    Result<InstalledUnits> look_at_app(const fs::path& app_folder);
    Result<Known> read(const fs::path& path) const;
};

Result<UnitFolder::Known> UnitFolder::Look::read(const fs::path& path) const {
    struct stat info {};

    if (::lstat(path.c_str(), &info) != 0) {
        return errno_error(fmt::format("look at {}", path.string()), errno);
    }
    Known file;
    file.stamp = stamp_of(info);
    if (const auto before = known->find(path.string());
        before != known->end() && before->second.stamp == file.stamp) {
        return before->second;
    }
    // What is no file of ours, a link or a directory, is somebody's.
    if (S_ISREG(info.st_mode)) {
        ASSIGN_OR_RETURN(const std::string text, read_file(path, kMaxBytes));
        file.text = read_installed(text, owner);
        if (quadlet::unit_type_of(path.filename().string())) {
            const auto unit = quadlet::Unit::read({path.string(), text}).unit;
            file.service = unit ? quadlet::service_name(*unit, podman) : "";
            file.resource = unit && path.extension() == ".container"
                                ? quadlet::resource_name(*unit, podman).value_or("")
                                : "";
        } else if (path.filename() == quadlet::kOwnDropIn) {
            file.instances = instances_in(text);
        }
    }
    file.text.modified = time_of(info.st_mtim);
    return file;
}

Result<InstalledUnits> UnitFolder::Look::look_at_app(const fs::path& app_folder) {
    InstalledUnits out;
    ASSIGN_OR_RETURN(const auto names, names_in(app_folder, AFile::HoldsNothing));
    for (const std::string& name : names) {
        const auto parsed = quadlet::parse_unit_name(name);
        if (!parsed) {
            continue;
        }
        const fs::path path = app_folder / name;
        ASSIGN_OR_RETURN(Known file, read(path));
        InstalledUnit unit;
        unit.file = file.text;
        unit.path = path.string();
        unit.service = file.service;
        unit.resource = file.resource;
        unit.templated = parsed->templated && parsed->instance.empty();
        seen[path.string()] = std::move(file);
        const fs::path drop_in_folder = path.string() + ".d";
        ASSIGN_OR_RETURN(const auto drop_ins, names_in(drop_in_folder, AFile::HoldsNothing));
        for (const std::string& drop_in : drop_ins) {
            if (drop_in.ends_with(".conf")) {
                ASSIGN_OR_RETURN(Known text, read(drop_in_folder / drop_in));
                unit.drop_ins[drop_in] = text.text;
                if (!text.instances.empty()) {
                    unit.instances = text.instances;
                }
                seen[(drop_in_folder / drop_in).string()] = std::move(text);
            }
        }
        out.emplace(name, std::move(unit));
    }
    return out;
}

Status UnitFolder::Look::look_at_apps() {
    ASSIGN_OR_RETURN(const auto apps, names_in(folder, AFile::IsAnError));
    for (const std::string& app : apps) {
        Result<InstalledUnits> units = look_at_app(folder / app);
        if (!units) {
            unreadable[app] = units.error().message;
        } else if (!units->empty()) {
            found.emplace(app, std::move(*units));
        }
    }
    return {};
}

void UnitFolder::Look::run() {
    std::error_code error;
    real = fs::weakly_canonical(folder, error);
    done = look_at_apps();
}

UnitFolder::UnitFolder(fs::path folder,
                       quadlet::StampOwner owner,
                       std::shared_ptr<Patience> patience)
    : folder_(std::move(folder)),
      real_(folder_),
      owner_(std::move(owner)),
      patience_(std::move(patience)) {}

UnitFolder::~UnitFolder() = default;

Result<std::map<std::string, InstalledUnits>> UnitFolder::look(
    const quadlet::PodmanRelease& podman) {
    unreadable_.clear();
    const auto look = std::make_shared<Look>(Look{folder_, owner_, podman, known_});
    if (!patience_->run(folder_.string(), [look] { look->run(); })) {
        return fail(
            Code::Unavailable,
            fmt::format("cannot read {}: its file system does not answer", folder_.string()));
    }
    real_ = std::move(look->real);
    RETURN_IF_ERROR(look->done);
    unreadable_ = std::move(look->unreadable);
    const bool same = std::equal(known_->begin(), known_->end(), look->seen.begin(),
                                 look->seen.end(), [](const auto& a, const auto& b) {
                                     return a.first == b.first && a.second.stamp == b.second.stamp;
                                 });
    changed_ = looked_ && !same;
    looked_ = true;
    known_ = std::make_shared<const Files>(std::move(look->seen));
    return std::move(look->found);
}

}  // namespace podreeve::observe
