#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/handlers/world.h"
#include "agent/state/task.h"

namespace podreeve::handlers {

// What a handler is given for its task's context: no secret of the app stays in what it logs, or
// ends with, neither of the version that is deployed nor of the one the change leads to. Podman and
// the runtime tell a container's command and variables in their errors. Lives for one run of a
// handler; looks the versions up once there is something to tell.
class RedactingContext final : public state::TaskContext {
  public:
    RedactingContext(World& world, state::TaskContext& of) : world_(world), of_(of) {}

    state::TaskId id() const override { return of_.id(); }

    const std::string& kind() const override { return of_.kind(); }

    const std::string& subject() const override { return of_.subject(); }

    const nlohmann::json& data() const override { return of_.data(); }

    const nlohmann::json& change_data() const override { return of_.change_data(); }

    Status save(const nlohmann::json& patch) override { return of_.save(patch); }

    void log(std::string text) override { of_.log(redacted(text)); }

    void progress(state::Progress progress) override { of_.progress(std::move(progress)); }

    std::stop_token stop() const override { return of_.stop(); }

    std::string redacted(const std::string& text);
    state::TaskOutcome redacted(state::TaskOutcome outcome);

  private:
    const std::vector<std::string>& secrets();

    World& world_;
    state::TaskContext& of_;
    std::optional<std::vector<std::string>> secrets_;
};

}  // namespace podreeve::handlers
