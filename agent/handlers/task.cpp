#include "agent/handlers/task.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "runtime/base/json_text.h"

namespace podreeve::handlers {

using nlohmann::json;

namespace {

const json& empty_object() {
    static const json empty = json::object();
    return empty;
}

}  // namespace

HandlerResult done() {
    return state::TaskOutcome{state::TaskDone{}};
}

HandlerResult retry(Duration after, std::string why) {
    return state::TaskOutcome{state::TaskRetry{after, std::move(why)}};
}

Result<Task> Task::read(World& world, state::TaskContext& context) {
    const json& data = context.data();
    if (!data.is_object() || !data.contains("app") || !data.contains("object")) {
        return fail(Code::Corrupt, fmt::format("cannot read what task {} ({}) is about",
                                               context.id(), context.kind()));
    }
    Task task(world, context);
    task.app = text_in(data, "app");
    task.part = text_in(data, "part");
    task.object = text_in(data, "object");
    task.id = text_in(data, "id");
    task.spec = text_in(data, "spec");
    task.generation = number_in(data, "generation", task.generation);
    return task;
}

const json& Task::details() const {
    const json& data = context.data();
    const auto found = data.find("details");
    return found != data.end() && found->is_object() ? *found : empty_object();
}

std::string Task::text(const char* key, std::string fallback) const {
    return text_in(details(), key, fallback);
}

bool Task::flag(const char* key, bool fallback) const {
    return flag_in(details(), key, fallback);
}

std::optional<std::int64_t> Task::number(const char* key) const {
    const auto found = details().find(key);
    if (found == details().end() || !found->is_number_integer()) {
        return std::nullopt;
    }
    return found->get<std::int64_t>();
}

std::map<std::string, std::string> Task::texts(const char* key) const {
    std::map<std::string, std::string> result;
    const auto found = details().find(key);
    if (found == details().end() || !found->is_object()) {
        return result;
    }
    for (const auto& [name, value] : found->items()) {
        if (value.is_string()) {
            result.emplace(name, value.get<std::string>());
        }
    }
    return result;
}

std::vector<std::string> Task::list(const char* key) const {
    std::vector<std::string> result;
    const auto found = details().find(key);
    if (found == details().end() || !found->is_array()) {
        return result;
    }
    for (const json& value : *found) {
        if (value.is_string()) {
            result.push_back(value.get<std::string>());
        }
    }
    return result;
}

std::string Task::saved(const char* key) const {
    return text_in(context.data(), key);
}

bool Task::has_saved(const char* key) const {
    return context.data().contains(key);
}

Status Task::save(const char* key, std::string value) {
    return context.save(json{{key, std::move(value)}});
}

Status Task::save_once(const char* key, std::string value) {
    return has_saved(key) ? Status{} : save(key, std::move(value));
}

Result<int> Task::count(const char* key) {
    const json& data = context.data();
    const auto found = data.find(key);
    const int counted =
        1 + (found != data.end() && found->is_number_integer() ? found->get<int>() : 0);
    RETURN_IF_ERROR(context.save(json{{key, counted}}));
    return counted;
}

Error Task::by_name(Error error) const {
    for (const auto& [seen_id, name] : names_) {
        for (auto at = error.message.find(seen_id); at != std::string::npos;
             at = error.message.find(seen_id, at + name.size())) {
            error.message.replace(at, seen_id.size(), name);
        }
    }
    return error;
}

Result<std::shared_ptr<const manifests::AppSpec>> Task::app_spec() const {
    if (auto found = world.specs.find(app, spec)) {
        return found;
    }
    return fail(Code::NotFound,
                fmt::format("cannot find the manifest of {} as it was planned with ({}); the next "
                            "pass plans again",
                            app, spec));
}

std::shared_ptr<const manifests::AppSpec> Task::deployed_spec() const {
    const auto record = world.state.app(app);
    if (!record || record->deployed_spec.empty()) {
        return nullptr;
    }
    return world.specs.find(app, record->deployed_spec);
}

}  // namespace podreeve::handlers
