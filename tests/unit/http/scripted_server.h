#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "runtime/base/unique_fd.h"
#include "tests/fakes/temp_dir.h"

namespace podreeve::http {

// The server's side of one connection, byte by byte, so that a test can break off anywhere.
class Connection {
  public:
    Connection(int fd, unsigned nth) : number(nth), fd_(fd) {}

    // The next request with its body; nothing when the other side has closed.
    std::optional<std::string> read_request();
    bool write(std::string_view bytes);
    void reply(std::string_view body, std::string_view status = "200 OK");
    // Blocks until the other side closes.
    void wait_for_close();

    const unsigned number;  // 0 for the first connection of the server

  private:
    int fd_;
    std::string rest_;
};

// Accepts on a Unix socket in a directory of its own and runs the script in a thread a connection.
// What was requested is kept in the order of arrival.
class ScriptedServer {
  public:
    using Script = std::function<void(Connection&)>;

    explicit ScriptedServer(Script script);
    ~ScriptedServer();
    ScriptedServer(const ScriptedServer&) = delete;
    ScriptedServer& operator=(const ScriptedServer&) = delete;

    std::string path() const { return temp_.path() / "server.sock"; }

    unsigned connections() const { return connections_; }

  private:
    void accept_all();

    fakes::TempDir temp_;
    Script script_;
    UniqueFd listener_;
    std::atomic<unsigned> connections_ = 0;
    std::mutex mutex_;
    std::vector<std::thread> handlers_;
    std::vector<int> open_;
    std::thread acceptor_;
};

}  // namespace podreeve::http
