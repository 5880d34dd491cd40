#include "agent/api/peer.h"

#include <cstdio>
#include <fstream>
#include <string>

#include <fmt/format.h>

namespace podreeve::api {

std::optional<uid_t> uid_of_process(pid_t pid) {
    std::ifstream status(fmt::format("/proc/{}/status", pid));
    for (std::string line; std::getline(status, line);) {
        unsigned uid = 0;
        if (std::sscanf(line.c_str(), "Uid:\t%u", &uid) == 1) {
            return uid;
        }
    }
    return std::nullopt;
}

bool may_connect(pid_t peer, uid_t own) {
    const std::optional<uid_t> uid = peer > 0 ? uid_of_process(peer) : std::nullopt;
    return uid && (*uid == own || *uid == 0);
}

}  // namespace podreeve::api
