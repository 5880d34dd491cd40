#include "agent/handlers/unit_files.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/handlers/companion_world.h"
#include "agent/handlers/unit_times.h"
#include "quadlet/names.h"
#include "quadlet/stamp.h"
#include "runtime/base/atomic_file.h"
#include "runtime/base/digest.h"
#include "runtime/base/json_text.h"

namespace podreeve::handlers {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::uintmax_t kMaxUnitBytes = 4 * 1024 * 1024;
constexpr std::uintmax_t kMaxKeptBytes = 64 * 1024 * 1024;
constexpr const char* kNothing = "nothing";

Result<fs::path> folder_of(const Task& task) {
    const std::string app = task.text("folder");
    const bool sound = !app.empty() && app.find('/') == std::string::npos && app.front() != '.' &&
                       quadlet::parse_unit_name(task.object).has_value();
    if (task.world.companions == nullptr || !sound) {
        return fail(Code::Internal,
                    fmt::format("cannot reach the unit file {}: no folder for it", task.object));
    }
    return task.world.companions->folder / app;
}

// Nothing for a file that is not there.
Result<std::optional<std::string>> read_if_there(const fs::path& path) {
    struct stat info {};

    if (::lstat(path.c_str(), &info) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) {
            return std::optional<std::string>();
        }
        return errno_error(fmt::format("look at {}", path.string()), errno);
    }
    if (!S_ISREG(info.st_mode)) {
        return std::optional<std::string>("");  // nobody's stamp is in it
    }
    ASSIGN_OR_RETURN(std::string text, read_file(path, kMaxUnitBytes));
    return std::optional<std::string>(std::move(text));
}

Result<std::vector<std::string>> drop_ins_in(const fs::path& folder) {
    std::vector<std::string> out;
    std::error_code error;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
        if (it->path().extension() == ".conf") {
            out.push_back(it->path().filename().string());
        }
    }
    if (error && error != std::errc::no_such_file_or_directory &&
        error != std::errc::not_a_directory) {
        return errno_error(fmt::format("read {}", folder.string()), error.value());
    }
    return out;
}

// For its owner alone to write, whatever the umask: who could write there could run anything.
Status make_folder(const fs::path& folder) {
    std::error_code error;
    if (folder.has_parent_path() && !fs::exists(folder.parent_path(), error)) {
        RETURN_IF_ERROR(make_folder(folder.parent_path()));
    }
    if (::mkdir(folder.c_str(), 0755) == 0 && ::chmod(folder.c_str(), 0755) != 0) {
        return errno_error(fmt::format("set the mode of {}", folder.string()), errno);
    }
    fs::create_directories(folder, error);
    return error ? Status(errno_error(fmt::format("make the directory {}", folder.string()),
                                      error.value()))
                 : Status();
}

bool is_ours(const Task& task, const std::string& text) {
    return quadlet::is_stamped_by(text, task.world.companions->owner);
}

// What to do about a file that is in the way.
std::string whose(const std::string& text) {
    const auto stamp = quadlet::read_stamp(text);
    return stamp && !*stamp ? "a file that is not podreeve's is there; move it away"
                            : "another agent of podreeve keeps it; rename one of the two units";
}

Status write_one(const Task& task,
                 const fs::path& path,
                 const std::string& text,
                 std::optional<WallTime> since) {
    ASSIGN_OR_RETURN(const auto there, read_if_there(path));
    if (there && !is_ours(task, *there)) {
        return fail(Code::Conflict,
                    fmt::format("cannot write {}: {}", path.string(), whose(*there)));
    }
    if (!there || *there != text) {
        RETURN_IF_ERROR(make_folder(path.parent_path()));
        RETURN_IF_ERROR(write_file_atomically(path, text, 0600));
        return since ? set_time(path, *since) : Status();
    }
    // A kill may have come between the two.
    return since ? set_no_younger(path, *since) : Status();
}

Status remove_one(const fs::path& path) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
        return errno_error(fmt::format("remove {}", path.string()), errno);
    }
    return {};
}

}  // namespace

Result<UnitTexts> read_unit(const Task& task) {
    ASSIGN_OR_RETURN(const fs::path folder, folder_of(task));
    UnitTexts out;
    ASSIGN_OR_RETURN(const auto main, read_if_there(folder / task.object));
    if (main && !is_ours(task, *main)) {
        return fail(Code::Conflict, fmt::format("cannot touch {}: {}",
                                                (folder / task.object).string(), whose(*main)));
    }
    if (main) {
        out[task.object] = *main;
    }
    const std::string drop_in_folder = task.object + ".d";
    ASSIGN_OR_RETURN(const auto drop_ins, drop_ins_in(folder / drop_in_folder));
    for (const std::string& name : drop_ins) {
        ASSIGN_OR_RETURN(const auto text, read_if_there(folder / drop_in_folder / name));
        if (text && is_ours(task, *text)) {
            out[drop_in_folder + "/" + name] = *text;
        }
    }
    return out;
}

Status write_unit(const Task& task, const UnitTexts& texts, std::optional<WallTime> since) {
    ASSIGN_OR_RETURN(const fs::path folder, folder_of(task));
    ASSIGN_OR_RETURN(const UnitTexts there, read_unit(task));
    for (const auto& [name, text] : texts) {
        RETURN_IF_ERROR(write_one(task, folder / name, text, since));
    }
    for (const auto& [name, text] : there) {
        if (!texts.contains(name)) {
            RETURN_IF_ERROR(remove_one(folder / name));
        }
    }
    // Only when nothing is left in them.
    ::rmdir((folder / (task.object + ".d")).c_str());
    if (texts.empty()) {
        ::rmdir(folder.c_str());
    }
    if (there != texts) {
        task.world.companions->reloads.touched();
    }
    return {};
}

Result<std::string> keep_unit(const Task& task, const UnitTexts& texts) {
    if (texts.empty()) {
        return std::string(kNothing);
    }
    const std::string bytes = json_text(json(texts));
    const std::string key = sha256_hex(bytes).substr(0, 32);
    const auto kept = task.world.companions->kept.use();
    const fs::path folder = kept / task.text("folder");
    RETURN_IF_ERROR(make_folder(folder));
    ::chmod(kept.path().c_str(), 0700);
    RETURN_IF_ERROR(write_file_atomically(folder / key, bytes, 0600));
    return key;
}

Result<UnitTexts> kept_unit(const Task& task, const std::string& key) {
    if (key == kNothing) {
        return UnitTexts();
    }
    const auto kept = task.world.companions->kept.use();
    ASSIGN_OR_RETURN(const std::string bytes,
                     read_file(kept / task.text("folder") / key, kMaxKeptBytes));
    const json texts = json::parse(bytes, nullptr, false);
    if (!texts.is_object()) {
        return fail(Code::Corrupt,
                    fmt::format("cannot put {} back: its former text cannot be read", task.object));
    }
    UnitTexts out;
    for (const auto& [name, text] : texts.items()) {
        out[name] = text.is_string() ? text.get<std::string>() : "";
    }
    return out;
}

Status note_former(Task& task, const UnitTexts& former) {
    if (task.has_saved("former")) {
        return {};
    }
    ASSIGN_OR_RETURN(std::string key, keep_unit(task, former));
    return task.save_once("former", std::move(key));
}

HandlerResult put_former_back(Task& task) {
    if (!task.has_saved("former")) {
        return done();  // it was never changed
    }
    ASSIGN_OR_RETURN(const UnitTexts former, kept_unit(task, task.saved("former")));
    RETURN_IF_ERROR(write_unit(task, former, std::nullopt));
    return done();
}

}  // namespace podreeve::handlers
