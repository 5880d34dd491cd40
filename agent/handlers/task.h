#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "agent/handlers/world.h"
#include "agent/state/task.h"
#include "manifests/model.h"
#include "runtime/base/result.h"
#include "runtime/podman/types.h"

namespace podreeve::handlers {

// How a handler ends; an error in it is the task's error.
using HandlerResult = Result<state::TaskOutcome>;

HandlerResult done();
HandlerResult retry(Duration after, std::string why);

// One run of one handler: the world, and what the task says of the step (agent/plan/steps.h names
// the details of each kind). Lives on the worker's stack.
class Task {
  public:
    // Corrupt when the stored data is not what to_change() writes.
    static Result<Task> read(World& world, state::TaskContext& context);

    World& world;
    state::TaskContext& context;
    std::string app, part;
    std::string object;  // podman's name
    std::string id;      // podman's id, where it was there when the plan was made
    std::string spec;    // hash of the AppSpec the change leads to
    std::int64_t generation = 0;

    // id where there is one: a name may have moved on since.
    const std::string& target() const { return id.empty() ? object : id; }

    std::string text(const char* key, std::string fallback = "") const;
    bool flag(const char* key, bool fallback) const;
    std::optional<std::int64_t> number(const char* key) const;
    std::map<std::string, std::string> texts(const char* key) const;  // an object of strings
    std::vector<std::string> list(const char* key) const;             // an array of strings
    const nlohmann::json& details() const;

    // What an earlier run of this task, or this one, has saved beside the step.
    std::string saved(const char* key) const;
    bool has_saved(const char* key) const;
    Status save(const char* key, std::string value);
    // Saves it unless there is something already: facts of the world as this task first found it.
    Status save_once(const char* key, std::string value);
    // Counts the runs that ended in a retry under that name; kept over restarts.
    Result<int> count(const char* key);

    void log(std::string line) const { context.log(std::move(line)); }

    // Handlers act by id; what they say of it is said by name. The look-ups tell what they saw.
    void saw(const std::string& seen_id, const std::string& name) const { names_[seen_id] = name; }

    Error by_name(Error error) const;

    podman::CallOptions call(Duration timeout = std::chrono::seconds(30)) const {
        return {timeout, context.stop()};
    }

    // The spec the change leads to; NotFound when it is kept nowhere any more.
    Result<std::shared_ptr<const manifests::AppSpec>> app_spec() const;
    // The spec that was deployed before this change; null when there is none.
    std::shared_ptr<const manifests::AppSpec> deployed_spec() const;

  private:
    Task(World& w, state::TaskContext& c) : world(w), context(c) {}

    mutable std::map<std::string, std::string> names_;
};

}  // namespace podreeve::handlers
