#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "runtime/base/unique_fd.h"

namespace podreeve::api::testing {

// One connection to a server, byte by byte, and without a thread.
class Caller {
  public:
    explicit Caller(const std::filesystem::path& socket);

    // Over a pair of sockets, of which one is for the server.
    explicit Caller(UniqueFd socket) : socket_(std::move(socket)) {}

    static std::pair<Caller, UniqueFd> pair();

    bool connected() const { return connected_; }

    Caller& say(const std::string& bytes);
    Caller& get(const std::string& target);
    // What has come by when that text is in it, or when the other end has hung up. Nothing comes
    // for 10 s: what there is.
    const std::string& hear(const std::string& text);
    // The other end hangs up within 10 s.
    bool is_let_go();
    int status();  // of the answer

  private:
    bool hear_more();

    UniqueFd socket_;
    std::string heard_;
    bool connected_ = true;
};

}  // namespace podreeve::api::testing
