#include "runtime/base/paths.h"

#include <cstdlib>

#include <fmt/format.h>

namespace podreeve {
namespace {

using std::filesystem::path;

Result<path> home_place(const Environment& environment,
                        const char* variable,
                        const char* below_home) {
    if (const auto set = directory_in(environment, variable)) {
        return *set;
    }
    if (const auto home = directory_in(environment, "HOME")) {
        return *home / below_home;
    }
    return fail(Code::NotFound,
                fmt::format("cannot know where podreeve's files are: neither ${} nor $HOME names "
                            "an absolute directory",
                            variable));
}

Paths system_paths() {
    return {{"/usr/share/podreeve/apps", "/etc/podreeve/apps", "/run/podreeve/apps"},
            "/etc/podreeve/podreeve.yaml",
            "/var/lib/podreeve",
            "/run/podreeve",
            "/run/podreeve/podreeve.sock",
            "/run/podman/podman.sock"};
}

Result<Paths> user_paths(uid_t uid, const Environment& environment) {
    ASSIGN_OR_RETURN(const path config, home_place(environment, "XDG_CONFIG_HOME", ".config"));
    ASSIGN_OR_RETURN(const path state, home_place(environment, "XDG_STATE_HOME", ".local/state"));
    const path runtime =
        directory_in(environment, "XDG_RUNTIME_DIR").value_or(fmt::format("/run/user/{}", uid));
    return Paths{{"/usr/share/podreeve/user-apps", "/etc/podreeve/user-apps",
                  config / "podreeve/apps", runtime / "podreeve/apps"},
                 config / "podreeve/podreeve.yaml",
                 state / "podreeve",
                 runtime / "podreeve",
                 runtime / "podreeve/podreeve.sock",
                 runtime / "podman/podman.sock"};
}

}  // namespace

Environment process_environment() {
    return [](const char* name) -> std::optional<std::string> {
        const char* value = std::getenv(name);
        if (value == nullptr || *value == '\0') {
            return std::nullopt;
        }
        return value;
    };
}

std::optional<path> directory_in(const Environment& environment, const char* name) {
    const auto set = environment(name);
    return set && path(*set).is_absolute() ? std::optional(path(*set)) : std::nullopt;
}

Result<Paths> paths_for(uid_t uid, const Environment& environment) {
    Result<Paths> paths = uid == 0 ? Result<Paths>(system_paths()) : user_paths(uid, environment);
    if (!paths) {
        return paths;
    }
    static constexpr std::string_view kUnix = "unix://";
    if (const auto host = environment("CONTAINER_HOST"); host && host->starts_with(kUnix)) {
        paths->podman_socket = host->substr(kUnix.size());
    }
    if (const auto socket = environment("PODREEVE_SOCKET")) {
        paths->api_socket = *socket;
    }
    return paths;
}

}  // namespace podreeve
