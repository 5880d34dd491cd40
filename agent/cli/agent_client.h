#pragma once

#include <functional>
#include <string>
#include <sys/types.h>

#include <nlohmann/json_fwd.hpp>

#include "runtime/base/clock.h"
#include "runtime/base/result.h"

namespace podreeve::cli {

// Asks the agent over its socket. An error of the agent comes back as that error; an agent that is
// not there as Unavailable, with what to do about it. Before a call the agent is asked for its
// version: one that does not answer within `patience` is Timeout, however long the call may take.
class AgentClient {
  public:
    explicit AgentClient(std::string socket, Duration patience = std::chrono::seconds(10))
        : socket_(std::move(socket)), patience_(patience) {}

    Result<nlohmann::json> get(const std::string& target) const;
    Result<nlohmann::json> post(const std::string& target, Duration timeout) const;
    // Server-sent events, one call a message's data, until on_data says false or the agent goes.
    Status follow(const std::string& target,
                  const std::function<bool(const std::string& data)>& on_data) const;

    const std::string& socket() const { return socket_; }

  private:
    Status check_alive() const;
    Result<nlohmann::json> call(const char* method,
                                const std::string& target,
                                Duration timeout) const;

    std::string socket_;
    Duration patience_;
};

// Where the agent has that app. InvalidArgument for what cannot be the name of one: a path would be
// taken for another question.
Result<std::string> target_of_app(const std::string& app, const std::string& what);

// What to do where no agent is, by who asks; and where the agent is another user's.
std::string hint_for_absent(uid_t me);
std::string hint_for_another(const std::string& user, const std::string& socket);

}  // namespace podreeve::cli
