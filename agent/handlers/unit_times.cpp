#include "agent/handlers/unit_times.h"

#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <sys/stat.h>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/handlers/companion_world.h"
#include "quadlet/stamp.h"
#include "runtime/base/atomic_file.h"
#include "runtime/base/digest.h"
#include "runtime/base/json_text.h"

namespace podreeve::handlers {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::uintmax_t kMostBytesOfUnit = 4 * 1024 * 1024;

struct TimedFile {
    fs::path path;
    std::string name;  // below the app's folder
    std::string digest;
    WallTime time{};
};

WallTime time_in(const struct stat& info) {
    return WallTime(std::chrono::seconds(info.st_mtim.tv_sec) +
                    std::chrono::nanoseconds(info.st_mtim.tv_nsec));
}

std::optional<TimedFile> look_at(const fs::path& path, const fs::path& folder) {
    struct stat info {};

    if (::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) {
        return std::nullopt;
    }
    const Result<std::string> text = read_file(path, kMostBytesOfUnit);
    if (!text) {
        return std::nullopt;
    }
    const auto stamp = quadlet::read_stamp(*text);
    if (!stamp || !*stamp) {
        return std::nullopt;
    }
    return TimedFile{path, path.lexically_relative(folder).string(), sha256_hex(*text),
                     time_in(info)};
}

std::vector<TimedFile> unit_files(const Task& task) {
    std::vector<TimedFile> files;
    if (task.world.companions == nullptr) {
        return files;
    }
    const fs::path folder = task.world.companions->folder / task.app;
    std::error_code error;
    for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end;
         it.increment(error)) {
        if (auto file = look_at(it->path(), folder)) {
            files.push_back(std::move(*file));
        }
    }
    return files;
}

void note(const Task& task, const Status& given) {
    if (!given) {
        task.log(given.error().message);
    }
}

}  // namespace

Status set_time(const fs::path& path, WallTime time) {
    const auto ns = time.time_since_epoch().count();
    const timespec one{static_cast<time_t>(ns / 1'000'000'000),
                       static_cast<long>(ns % 1'000'000'000)};
    const timespec both[2] = {one, one};
    if (::utimensat(AT_FDCWD, path.c_str(), both, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno_error(fmt::format("set the time of {}", path.string()), errno);
    }
    return {};
}

Status set_no_younger(const fs::path& path, WallTime time) {
    struct stat info {};

    if (::lstat(path.c_str(), &info) != 0) {
        return errno_error(fmt::format("look at {}", path.string()), errno);
    }
    return time_in(info) > time ? set_time(path, time) : Status();
}

json times_of_units(const Task& task) {
    json times = json::object();
    for (const TimedFile& file : unit_files(task)) {
        times[file.name] = {{"time", file.time.time_since_epoch().count()},
                            {"digest", file.digest}};
    }
    return times;
}

void give_times_back(const Task& task, const json& times) {
    for (const TimedFile& file : unit_files(task)) {
        const auto then = times.find(file.name);
        if (then == times.end() || text_in(*then, "digest") != file.digest) {
            continue;
        }
        const std::int64_t time = number_in(*then, "time");
        if (time > 0) {
            note(task, set_no_younger(file.path, WallTime(Duration(time))));
        }
    }
}

void make_units_young(const Task& task) {
    for (const TimedFile& file : unit_files(task)) {
        note(task, set_time(file.path, task.world.clock.system_now()));
    }
}

}  // namespace podreeve::handlers
