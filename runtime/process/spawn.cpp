#include "runtime/process/spawn.h"

#include <csignal>

#include <fmt/format.h>

namespace podreeve::process {
namespace {

std::vector<char*> pointers_to(std::vector<std::string>& strings) {
    std::vector<char*> pointers;
    for (std::string& string : strings) {
        pointers.push_back(string.data());
    }
    pointers.push_back(nullptr);
    return pointers;
}

}  // namespace

Spawn::Spawn() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
}

Spawn::~Spawn() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
}

int Spawn::open(int as, const char* path, int flags) {
    return posix_spawn_file_actions_addopen(&actions_, as, path, flags, 0);
}

int Spawn::duplicate(int fd, int as) {
    return posix_spawn_file_actions_adddup2(&actions_, fd, as);
}

int Spawn::start_in(const std::filesystem::path& directory) {
    return posix_spawn_file_actions_addchdir_np(&actions_, directory.c_str());
}

Result<pid_t> Spawn::run(std::vector<std::string> argv,
                         std::vector<std::string> environment) const {
    pid_t pid = 0;
    const int error = ::posix_spawnp(&pid, argv[0].c_str(), &actions_, &attributes_,
                                     pointers_to(argv).data(), pointers_to(environment).data());
    if (error != 0) {
        return errno_error(fmt::format("run {}", argv[0]), error);
    }
    return pid;
}

}  // namespace podreeve::process
