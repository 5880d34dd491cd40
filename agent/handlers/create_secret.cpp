#include <algorithm>

#include <fmt/format.h>

#include "agent/handlers/kinds.h"
#include "agent/handlers/ownership.h"
#include "agent/observe/observed.h"
#include "agent/plan/steps.h"

namespace podreeve::handlers {

namespace {

const manifests::SecretSpec* find_spec(const manifests::AppSpec& app, const Task& task) {
    const auto found = std::find_if(
        app.secrets.begin(), app.secrets.end(),
        [&](const auto& secret) { return secret.part == task.part && secret.name == task.object; });
    return found == app.secrets.end() ? nullptr : &*found;
}

// podman has no way to change a secret: the old one goes first. Containers hold copies, so that a
// kill in between costs nobody anything, and the rerun makes the new one.
HandlerResult put(Task& task,
                  const manifests::SecretSpec& spec,
                  const std::map<std::string, std::string>& labels) {
    ASSIGN_OR_RETURN(const auto found, own_secret(task, task.object));
    if (found) {
        const auto hash = found->labels.find(observe::kLabelSpec);
        if (hash != found->labels.end() && hash->second == plan::label_spec(spec)) {
            return done();
        }
        RETURN_IF_ERROR(task.world.podman.remove_secret(found->id, task.call()));
    }
    podman::SecretDetails secret;
    secret.name = task.object;
    secret.labels = spec.labels;
    for (const auto& [key, value] : labels) {
        secret.labels[key] = value;
    }
    RETURN_IF_ERROR(task.world.podman.create_secret(secret, spec.data, task.call()));
    return done();
}

}  // namespace

HandlerResult create_secret(Task& task) {
    ASSIGN_OR_RETURN(const auto app, task.app_spec());
    const manifests::SecretSpec* spec = find_spec(*app, task);
    if (spec == nullptr) {
        return fail(Code::NotFound,
                    fmt::format("cannot create secret {}: the manifest has none", task.object));
    }
    return put(task, *spec, task.texts("labels"));
}

HandlerResult undo_create_secret(Task& task) {
    const auto before = task.deployed_spec();
    if (const manifests::SecretSpec* spec = before ? find_spec(*before, task) : nullptr) {
        auto labels = task.texts("labels");
        labels[observe::kLabelSpec] = plan::label_spec(*spec);
        return put(task, *spec, labels);
    }
    ASSIGN_OR_RETURN(const auto found, own_secret(task, task.object));
    if (found) {
        RETURN_IF_ERROR(task.world.podman.remove_secret(found->id, task.call()));
    }
    return done();
}

}  // namespace podreeve::handlers
