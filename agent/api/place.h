#pragma once

#include <filesystem>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace podreeve::api {

// Makes room for a socket there: the directories that are missing, 0700, and none is changed that
// was there before. Only a socket of our own where nobody answers is removed; anything else that
// stands there, and a directory in which others could put another in its place, is an error.
Status make_place(const std::filesystem::path& socket);

// A socket there that is listened on, for the agent's user alone (0600); it does not block.
Result<UniqueFd> listen_at(const std::filesystem::path& socket);

}  // namespace podreeve::api
