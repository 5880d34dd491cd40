#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "runtime/base/result.h"

namespace podreeve {

// An environment variable, or nothing when it is unset or empty.
using Environment = std::function<std::optional<std::string>(const char* name)>;
Environment process_environment();

// A directory that the environment names. One that is not absolute would be another in each working
// directory, and counts as none (XDG Base Directory Specification).
std::optional<std::filesystem::path> directory_in(const Environment& environment, const char* name);

// Where an agent's files are. uid 0 has the system agent's places, everybody else the user agent's.
struct Paths {
    std::vector<std::filesystem::path> manifest_dirs;  // later ones win
    std::filesystem::path config_file;
    std::filesystem::path state_dir;
    std::filesystem::path runtime_dir;
    std::filesystem::path api_socket;
    std::filesystem::path podman_socket;
};

// By the XDG directories; $CONTAINER_HOST (unix://…) and $PODREEVE_SOCKET name other sockets.
// The system's agent goes by none of the XDG directories.
// NotFound when neither $HOME nor the XDG variables tell where a user's files go.
Result<Paths> paths_for(uid_t uid, const Environment& environment);

}  // namespace podreeve
