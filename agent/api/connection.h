#pragma once

#include <string>

#include "runtime/base/clock.h"
#include "runtime/base/unique_fd.h"

namespace podreeve::api {

// Somebody who has connected. Belongs to one thread at a time.
struct Connection {
    UniqueFd socket{};  // does not block
    bool allowed = false;
    std::string input{};  // what was read and is not used yet
    SteadyTime since{};   // nothing has come since, or the request in input began
};

enum class Got { Bytes, Nothing, End };

// Reads once what is there, without waiting.
Got read_some(Connection& connection);

// Sends what the socket takes and removes it from bytes. False: nobody will take the rest.
bool send_some(const Connection& connection, std::string& bytes);

}  // namespace podreeve::api
