#pragma once

#include <filesystem>
#include <memory>

#include "agent/api/backend.h"
#include "runtime/base/result.h"

namespace podreeve::api {

// The HTTP server on the agent's Unix socket, with a few threads of its own. The socket is 0600,
// and who connects must be the agent's user or root. Changing calls answer 202 and what to look at.
class Server {
  public:
    // Makes the directory (0700) and the socket. Conflict when another agent answers on it already.
    static Result<std::unique_ptr<Server>> create(const std::filesystem::path& socket,
                                                  Backend backend);
    // Listens again when somebody has removed the socket or its directory; requests that
    // run are finished, streams end. Cheap when all is well. One thread at a time. Conflict when
    // another agent listens there by now.
    Status ensure_listening();
    ~Server();  // ends the streams, finishes the requests that run, removes the socket
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

  private:
    struct Core;
    explicit Server(std::unique_ptr<Core> core);
    std::unique_ptr<Core> core_;
};

}  // namespace podreeve::api
