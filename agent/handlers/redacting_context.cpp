#include "agent/handlers/redacting_context.h"

#include "agent/handlers/task.h"
#include "manifests/model.h"
#include "runtime/base/secrets.h"

namespace podreeve::handlers {

// Of a version that is kept nowhere any more nothing is known.
const std::vector<std::string>& RedactingContext::secrets() {
    if (secrets_) {
        return *secrets_;
    }
    secrets_.emplace();
    const Result<Task> task = Task::read(world_, of_);
    if (!task) {
        return *secrets_;
    }
    for (const auto& spec : {task->app_spec().value_or(nullptr), task->deployed_spec()}) {
        if (spec) {
            const std::vector<std::string> values = manifests::secret_values(*spec);
            secrets_->insert(secrets_->end(), values.begin(), values.end());
        }
    }
    return *secrets_;
}

std::string RedactingContext::redacted(const std::string& text) {
    return text.empty() ? text : without_secrets(text, secrets());
}

state::TaskOutcome RedactingContext::redacted(state::TaskOutcome outcome) {
    if (auto* error = std::get_if<Error>(&outcome)) {
        error->message = redacted(error->message);
    } else if (auto* again = std::get_if<state::TaskRetry>(&outcome)) {
        again->why = redacted(again->why);
    } else if (auto* wait = std::get_if<state::TaskWait>(&outcome)) {
        wait->why = redacted(wait->why);
    }
    return outcome;
}

}  // namespace podreeve::handlers
