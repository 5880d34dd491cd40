#pragma once

#include <filesystem>
#include <memory>

#include "agent/api/backend.h"
#include "runtime/base/result.h"

namespace podreeve::api {

// The HTTP server on the agent's Unix socket. The socket is 0600, and who connects must be the
// agent's user or root. Changing calls answer 202 and what to look at. One thread accepts; a pool
// answers, of which a part is only for calls that do not wait for podman, and which has no thread
// when nobody asks; one thread writes all streams.
class Server {
  public:
    // Makes the directory (0700) and the socket. Conflict when another agent answers on it already.
    static Result<std::unique_ptr<Server>> create(const std::filesystem::path& socket,
                                                  Backend backend);
    // Listens again when somebody has removed the socket or its directory; requests and streams go
    // on. Cheap when all is well, and waits for nobody. One thread at a time. Conflict when another
    // agent listens there by now.
    Status ensure_listening();
    // No thread answers anybody: whoever asked has been answered, or is the writer's.
    bool at_rest() const;
    ~Server();  // ends the streams, finishes the requests that run, removes the socket
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

  private:
    struct Core;
    explicit Server(std::unique_ptr<Core> core);
    std::unique_ptr<Core> core_;
};

}  // namespace podreeve::api
