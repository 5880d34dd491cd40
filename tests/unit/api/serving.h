#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "agent/api/server.h"
#include "runtime/http/client.h"
#include "tests/fakes/temp_dir.h"

namespace podreeve::api::testing {

struct Answer {
    int status = 0;
    nlohmann::json body;

    std::string code() const { return body.at("error").at("code"); }

    std::string message() const { return body.at("error").at("message"); }
};

// A real server on a socket in a directory of its own, with a real state and a backend whose words
// the test chooses.
class Serving {
  public:
    Serving();

    Answer get(const std::string& target) const { return ask("GET", target); }

    Answer post(const std::string& target) const { return ask("POST", target); }

    Answer ask(const std::string& method, const std::string& target) const;
    // The ids of the events that a stream tells, until there are so many.
    std::vector<std::int64_t> follow(const std::string& target,
                                     std::size_t count,
                                     const std::string& last_event_id = "") const;
    void show(supervise::AppStatus app);
    state::ChangeId add_change(const std::string& app);
    // As if its tasks had been done.
    void finish_change(state::ChangeId id);
    void add_event(const std::string& app, const std::string& state);
    Backend backend();

    fakes::TempDir temp;
    std::filesystem::path directory = temp.path(), socket;
    SystemClock clock;
    std::unique_ptr<state::State> state;
    supervise::SharedStatus shared_status;
    Result<PassSummary> pass = PassSummary{};
    Result<plan::Plan> plan = plan::Plan{};
    std::function<void()> before_pass = [] {};  // and before a plan; on the server's thread
    std::function<void()> before_wish = [] {};  // the same
    std::optional<std::string> diff_asked_for;
    std::mutex asking;  // held while it is noted what was asked
    std::vector<std::pair<std::string, std::string>> requests;  // app, verb
    LetGo let_go;                                               // by prune
    std::shared_ptr<supervise::Subscriptions> subscriptions =
        std::make_shared<supervise::Subscriptions>();
    Status app_request = {};
    int woken = 0;
    std::unique_ptr<Server> server;
};

}  // namespace podreeve::api::testing
