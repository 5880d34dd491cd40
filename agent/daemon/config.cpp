#include "agent/daemon/config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <unistd.h>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "runtime/base/log.h"
#include "runtime/base/trust.h"
#include "runtime/systemd/quadlet_generator.h"

namespace podreeve::daemon {
namespace {

constexpr std::uintmax_t kMostBytes = 1 << 20;

std::string place(const std::filesystem::path& file, const YAML::Mark& mark) {
    return fmt::format("{}:{}:{}", file.string(), mark.line + 1, mark.column + 1);
}

// There is no directory that a path could be relative to, and no shell that reads ~.
Result<std::filesystem::path> absolute_path(const YAML::Node& value) {
    const auto text = value.as<std::string>();
    std::filesystem::path path = text;
    if (!path.is_absolute()) {
        return fail(Code::InvalidArgument,
                    fmt::format("'{}' is not an absolute path; write it out from the first /, "
                                "without ~ and variables",
                                text));
    }
    return path;
}

Status set_manifests(const YAML::Node& value, Config& config) {
    if (!value.IsSequence() || value.size() == 0) {
        return fail(Code::InvalidArgument, "must be a list of directories");
    }
    config.paths.manifest_dirs.clear();
    for (const YAML::Node& entry : value) {
        ASSIGN_OR_RETURN(auto directory, absolute_path(entry));
        config.paths.manifest_dirs.push_back(std::move(directory));
    }
    return {};
}

Status set_interval(const YAML::Node& value, Config& config) {
    return apply_interval(value.as<std::string>(), config);
}

Result<unsigned> count_from(const YAML::Node& value) {
    const int count = value.as<int>(0);  // also of what is no number, or too large for one
    if (count < 1 || count > 64) {
        return fail(Code::InvalidArgument, "must be from 1 to 64");
    }
    return static_cast<unsigned>(count);
}

Status set_workers(const YAML::Node& value, Config& config) {
    ASSIGN_OR_RETURN(config.workers, count_from(value));
    return {};
}

struct LimitKey {
    const char* name;
    unsigned handlers::Limits::*limit;
};

constexpr std::array kLimits{
    LimitKey{"pulls", &handlers::Limits::pulls}, LimitKey{"stops", &handlers::Limits::stops},
    LimitKey{"creates", &handlers::Limits::creates}, LimitKey{"starts", &handlers::Limits::starts},
    LimitKey{"units", &handlers::Limits::units}};

Status set_limits(const YAML::Node& value, Config& config) {
    if (!value.IsMap()) {
        return fail(Code::InvalidArgument, "must be a map of pulls, stops, creates, starts, units");
    }
    for (const auto& row : value) {
        const std::string name = row.first.as<std::string>();
        const auto* const known =
            std::find_if(kLimits.begin(), kLimits.end(),
                         [&](const LimitKey& limit) { return name == limit.name; });
        if (known == kLimits.end()) {
            return fail(
                Code::InvalidArgument,
                fmt::format("unknown '{}'; allowed: pulls, stops, creates, starts, units", name));
        }
        const Result<unsigned> count = count_from(row.second);
        if (!count) {
            return fail(Code::InvalidArgument, fmt::format("{} {}", name, count.error().message));
        }
        config.limits.*known->limit = *count;
    }
    return {};
}

Status set_log_level(const YAML::Node& value, Config& config) {
    return apply_log_level(value.as<std::string>(), config);
}

Status set_podman_socket(const YAML::Node& value, Config& config) {
    ASSIGN_OR_RETURN(config.paths.podman_socket, absolute_path(value));
    return {};
}

struct ConfigKey {
    const char* name;
    Status (*set)(const YAML::Node&, Config&);
};

constexpr std::array kKeys{
    ConfigKey{"manifests", set_manifests}, ConfigKey{"interval", set_interval},
    ConfigKey{"workers", set_workers},     ConfigKey{"limits", set_limits},
    ConfigKey{"log_level", set_log_level}, ConfigKey{"podman_socket", set_podman_socket}};

Status set_key(const std::filesystem::path& file,
               const YAML::Node& name,
               const YAML::Node& value,
               Config& config) {
    for (const ConfigKey& key : kKeys) {
        if (name.as<std::string>() != key.name) {
            continue;
        }
        if (Status set = key.set(value, config); !set) {
            return fail(set.error().code, fmt::format("{}: {}: {}", place(file, value.Mark()),
                                                      key.name, set.error().message));
        }
        return {};
    }
    return fail(Code::InvalidArgument,
                fmt::format("{}: unknown key '{}'; allowed: manifests, interval, workers, limits, "
                            "log_level, podman_socket",
                            place(file, name.Mark()), name.as<std::string>()));
}

Status read_yaml(const std::filesystem::path& file, const std::string& text, Config& config) {
    try {
        const YAML::Node root = YAML::Load(text);
        if (root.IsNull()) {
            return {};
        }
        if (!root.IsMap()) {
            return fail(Code::InvalidArgument, fmt::format("{}: must be a map", file.string()));
        }
        std::set<std::string> seen;
        for (const auto& row : root) {
            if (!seen.insert(row.first.as<std::string>()).second) {
                return fail(Code::InvalidArgument, fmt::format("{}: key '{}' is given twice",
                                                               place(file, row.first.Mark()),
                                                               row.first.as<std::string>()));
            }
            RETURN_IF_ERROR(set_key(file, row.first, row.second, config));
        }
    } catch (const YAML::Exception& error) {
        return fail(Code::InvalidArgument,
                    fmt::format("{}: {}", place(file, error.mark), error.msg));
    }
    return {};
}

}  // namespace

Result<Duration> parse_duration(const std::string& text) {
    std::int64_t number = 0;
    // Nanoseconds of 64 bits reach for 292 years.
    constexpr std::int64_t kMostMinutes = 60 * 24 * 365 * 200;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string unit(rest, text.data() + text.size());
    if (error == std::errc() && number >= 0 && number < 1'000'000'000) {
        if (unit == "ms") {
            return std::chrono::milliseconds(number);
        }
        if (unit == "s") {
            return std::chrono::seconds(number);
        }
        if (unit == "m" && number < kMostMinutes) {
            return std::chrono::minutes(number);
        }
        if (unit == "h" && number < kMostMinutes / 60) {
            return std::chrono::hours(number);
        }
    }
    return fail(Code::InvalidArgument,
                fmt::format("cannot read '{}' as a time; write 500ms, 30s, 5m or 1h", text));
}

Status apply_interval(const std::string& text, Config& config) {
    ASSIGN_OR_RETURN(const Duration interval, parse_duration(text));
    if (interval < std::chrono::seconds(1) || interval > std::chrono::hours(1)) {
        return fail(Code::InvalidArgument, "must be from 1s to 1h");
    }
    config.interval = interval;
    return {};
}

Status apply_log_level(const std::string& text, Config& config) {
    static constexpr std::array kLevels{"trace", "debug", "info", "warning", "error"};
    if (std::ranges::count(kLevels, text) == 0) {
        return fail(Code::InvalidArgument, "must be one of trace, debug, info, warning, error");
    }
    config.log_level = text;
    return {};
}

CompanionPaths companions_for(uid_t uid, const Environment& environment) {
    CompanionPaths companions;
    const auto directories = systemd::quadlet_directories(uid, environment);
    if (!directories) {
        log::warn("companions cannot be kept: {}", directories.error().message);
        return companions;
    }
    companions.folder = directories->install / "podreeve";
    companions.bus = systemd::default_address(uid);
    companions.scope = systemd::scope_of(uid);
    return companions;
}

Status read_config_file(const std::filesystem::path& file, Config& config) {
    // It names podman's socket, which is told all secrets, and where manifests are.
    Result<std::string> text = read_trusted_file(file, kMostBytes, ::geteuid());
    if (!text && text.error().code == Code::NotFound) {
        return {};
    }
    if (!text) {
        return wrap("cannot use the configuration", text.error());
    }
    if (Status read = read_yaml(file, *text, config); !read) {
        return wrap("cannot use the configuration", read.error());
    }
    return {};
}

}  // namespace podreeve::daemon
