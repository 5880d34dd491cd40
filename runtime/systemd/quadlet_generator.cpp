#include "runtime/systemd/quadlet_generator.h"

#include <algorithm>
#include <sstream>
#include <string_view>
#include <unistd.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "runtime/base/utf8.h"
#include "runtime/process/child.h"

namespace podreeve::systemd {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kExtensions[] = {".container", ".pod",   ".kube",  ".volume",
                                            ".network",   ".image", ".build", ".artifact"};
// What the generator tells of its work in a dry run, which is neither an error nor a warning.
constexpr std::string_view kChatter[] = {"Loading source ",
                                         "Loading instance ",
                                         "No files parsed from ",
                                         "Error occurred resolving path ",
                                         "Error occurred walking sub directories ",
                                         "processing encountered some errors"};
constexpr std::string_view kWarning = "Warning: ";
constexpr std::size_t kMostOutput = 64 * 1024 * 1024;

bool is_unit_file(std::string_view name) {
    return std::any_of(std::begin(kExtensions), std::end(kExtensions), [&](std::string_view each) {
        return name.size() > each.size() && name.ends_with(each);
    });
}

// "web.container" of that, of a path to it, and of a path to one of its drop-ins.
std::string unit_file_in(const fs::path& path) {
    const std::string name = path.filename().string();
    if (is_unit_file(name)) {
        return name;
    }
    std::string directory = path.parent_path().filename().string();
    if (directory.ends_with(".d")) {
        directory.resize(directory.size() - 2);
        return is_unit_file(directory) ? directory : "";
    }
    return "";
}

// The first unit file that a message speaks of; empty when it names none.
std::string subject_of(const std::string& message) {
    static constexpr std::string_view kBetween = " \t\",;:()[]'";
    std::size_t at = 0;
    while (at < message.size()) {
        const std::size_t begin = message.find_first_not_of(kBetween, at);
        if (begin == std::string::npos) {
            return "";
        }
        const std::size_t end = std::min(message.find_first_of(kBetween, begin), message.size());
        if (std::string file = unit_file_in(message.substr(begin, end - begin)); !file.empty()) {
            return file;
        }
        at = end;
    }
    return "";
}

// A line without "quadlet-generator[4711]: ", and whether that was there.
std::pair<std::string, bool> without_prefix(const std::string& line) {
    static constexpr std::string_view kName = "quadlet-generator[";
    const std::size_t end = line.starts_with(kName) ? line.find("]: ") : std::string::npos;
    return end == std::string::npos ? std::pair(line, false)
                                    : std::pair(line.substr(end + 3), true);
}

// Newer generators tell each problem by itself; older ones all of them at the end as lines of one
// message, each of which begins with the file.
std::vector<std::string> messages_in(const std::string& complaints) {
    std::vector<std::string> messages;
    std::istringstream lines(complaints);
    for (std::string line; std::getline(lines, line);) {
        const auto [text, has_prefix] = without_prefix(line);
        if (has_prefix || messages.empty() || !subject_of(text).empty()) {
            messages.push_back(text);
        } else if (!text.empty()) {
            messages.back() += " " + text;
        }
    }
    return messages;
}

bool is_chatter(const std::string& message) {
    return message.empty() ||
           std::any_of(std::begin(kChatter), std::end(kChatter),
                       [&](std::string_view each) { return message.starts_with(each); });
}

void read_services(const std::string& output, DryRun& run) {
    static constexpr std::string_view kSource = "SourcePath=";
    std::string name;
    std::istringstream lines(output);
    for (std::string line; std::getline(lines, line);) {
        if (line.size() > 6 && line.starts_with("---") && line.ends_with("---")) {
            name = line.substr(3, line.size() - 6);
            run.services[name].clear();  // of two of one name the later is written last
            continue;
        }
        if (name.empty()) {
            continue;
        }
        run.services[name] += line + "\n";
        if (line.starts_with(kSource)) {
            run.sources[name] = line.substr(kSource.size());
        }
    }
}

std::vector<fs::path> generator_directories(Scope scope) {
    const std::string_view kind = scope == Scope::System ? "system" : "user";
    std::vector<fs::path> directories;
    for (const char* base : {"run", "etc", "usr/local/lib", "usr/lib"}) {
        directories.push_back(fs::path(base) / "systemd" / fmt::format("{}-generators", kind));
    }
    return directories;
}

bool is_masked(const fs::path& program) {
    std::error_code error;
    return fs::read_symlink(program, error) == "/dev/null" || fs::is_empty(program, error);
}

}  // namespace

std::variant<QuadletGenerator, NoQuadlet> find_quadlet(Scope scope, const fs::path& root) {
    const std::string name =
        scope == Scope::System ? "podman-system-generator" : "podman-user-generator";
    const std::vector<fs::path> directories = generator_directories(scope);
    for (const fs::path& directory : directories) {
        const fs::path program = root / directory / name;
        std::error_code error;
        if (!fs::exists(fs::symlink_status(program, error))) {
            continue;
        }
        if (is_masked(program)) {
            return NoQuadlet{
                fmt::format("Quadlet is masked on this host by {}; remove that to have it again",
                            program.string())};
        }
        if (::access(program.c_str(), X_OK) != 0) {
            return NoQuadlet{fmt::format("Quadlet cannot be run on this host: {}",
                                         errno_error("run " + program.string(), errno).message)};
        }
        return QuadletGenerator{program, scope};
    }
    return NoQuadlet{
        fmt::format("there is no Quadlet on this host: {} has no {}; podman 4.4 and "
                    "later bring it, Debian's from Debian 13 on",
                    (root / directories.back()).string(), name)};
}

Result<QuadletDirectories> quadlet_directories(uid_t uid, const Environment& environment) {
    const fs::path below = "containers/systemd";
    if (uid == 0) {
        return QuadletDirectories{"/etc" / below,
                                  {"/run" / below, "/etc" / below, "/usr/share" / below}};
    }
    fs::path config;
    if (const auto set = directory_in(environment, "XDG_CONFIG_HOME")) {
        config = *set;
    } else if (const auto home = directory_in(environment, "HOME")) {
        config = *home / ".config";
    } else {
        return fail(Code::NotFound,
                    "cannot know where Quadlet reads: neither $XDG_CONFIG_HOME nor $HOME names an "
                    "absolute directory");
    }
    const fs::path runtime =
        directory_in(environment, "XDG_RUNTIME_DIR").value_or(fmt::format("/run/user/{}", uid));
    const fs::path users = "/etc" / below / "users";
    return QuadletDirectories{
        config / below, {runtime / below, config / below, users / std::to_string(uid), users}};
}

DryRun read_dry_run(const std::string& output, const std::string& complaints) {
    DryRun run;
    read_services(output, run);
    for (const std::string& raw : messages_in(complaints)) {
        const std::string message = clean_text(raw);
        if (message.starts_with(kWarning)) {
            run.warnings[subject_of(message)].push_back(message.substr(kWarning.size()));
        } else if (!is_chatter(message)) {
            run.errors[subject_of(message)].push_back(message);
        }
    }
    return run;
}

Result<DryRun> dry_run(const QuadletGenerator& generator,
                       const std::vector<fs::path>& directories,
                       const Call& call) {
    std::vector<std::string> names;
    for (const fs::path& directory : directories) {
        names.push_back(directory.string());
        if (!directory.is_absolute() || names.back().find(':') != std::string::npos) {
            return fail(Code::InvalidArgument,
                        fmt::format("cannot have Quadlet read {}: it takes absolute paths without "
                                    "a colon",
                                    names.back()));
        }
    }
    process::Command command;
    command.argv = {generator.program.string(), "-dryrun"};
    if (generator.scope == Scope::User) {
        command.argv.emplace_back("-user");
    }
    command.environment = {fmt::format("QUADLET_UNIT_DIRS={}", fmt::join(names, ":"))};
    command.deadline = call.timeout;
    command.max_output = kMostOutput;
    ASSIGN_OR_RETURN(const process::Ended ended, process::run_child(command, call.stop));
    if (ended.signal != 0 || ended.cut) {
        return fail(Code::Unavailable,
                    fmt::format("cannot ask Quadlet: {} {}", generator.program.string(),
                                ended.cut ? std::string("says too much")
                                          : fmt::format("was ended by signal {}", ended.signal)));
    }
    DryRun run = read_dry_run(ended.output, ended.complaints);
    if (!ended.succeeded() && run.errors.empty()) {
        run.errors[""].push_back(fmt::format("the generator exited with {}", ended.exit_code));
    }
    return run;
}

}  // namespace podreeve::systemd
