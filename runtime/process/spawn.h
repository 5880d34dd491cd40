#pragma once

#include <filesystem>
#include <spawn.h>
#include <string>
#include <sys/types.h>
#include <vector>

#include "runtime/base/result.h"

namespace podreeve::process {

// What a child gets of us, for posix_spawn(): no signal blocked, every one at its default (the
// loop's blocked signals and our ignored ones would be inherited over exec), a process group of its
// own. Descriptors are passed on by duplicate() alone, as far as all others are close-on-exec.
// Belongs to one thread.
class Spawn {
  public:
    Spawn();
    ~Spawn();
    Spawn(const Spawn&) = delete;
    Spawn& operator=(const Spawn&) = delete;

    // Each 0, or an errno.
    int open(int as, const char* path, int flags);
    int duplicate(int fd, int as);
    int start_in(const std::filesystem::path& directory);

    // Starts argv[0], looked up in $PATH unless it holds a slash. environment: "KEY=value".
    Result<pid_t> run(std::vector<std::string> argv, std::vector<std::string> environment) const;

  private:
    posix_spawn_file_actions_t actions_;
    posix_spawnattr_t attributes_;
};

}  // namespace podreeve::process
