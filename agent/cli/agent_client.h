#pragma once

#include <functional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "runtime/base/clock.h"
#include "runtime/base/result.h"

namespace podreeve::cli {

// Asks the agent over its socket. An error of the agent comes back as that error; an agent that is
// not there as Unavailable, with what to do about it.
class AgentClient {
  public:
    explicit AgentClient(std::string socket) : socket_(std::move(socket)) {}

    Result<nlohmann::json> get(const std::string& target) const;
    Result<nlohmann::json> post(const std::string& target, Duration timeout) const;
    // Server-sent events, one call a message's data, until on_data says false or the agent goes.
    Status follow(const std::string& target,
                  const std::function<bool(const std::string& data)>& on_data) const;

    const std::string& socket() const { return socket_; }

  private:
    Result<nlohmann::json> call(const char* method,
                                const std::string& target,
                                Duration timeout) const;

    std::string socket_;
};

}  // namespace podreeve::cli
