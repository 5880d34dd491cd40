#include "agent/supervise/status.h"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace podreeve::supervise {
namespace {

nlohmann::json to_json(const PartStatus& part) {
    return {{"name", part.name},
            {"kind", part.kind},
            {"object", part.object},
            {"id", part.id},
            {"image", part.image},
            {"state", part.state},
            {"up", part.up},
            {"ready", part.ready},
            {"health", part.health},
            {"health_message", part.health_message},
            {"exit_code", part.exit_code},
            {"restarts", part.restarts}};
}

nlohmann::json to_json(const Blocker& blocker) {
    return {{"app", blocker.app},   {"is", blocker.is},         {"blocked", blocker.blocked},
            {"root", blocker.root}, {"reason", blocker.reason}, {"message", blocker.text}};
}

nlohmann::json to_json(const StatusCondition& condition) {
    return {{"type", condition.type},     {"status", condition.status},
            {"reason", condition.reason}, {"message", condition.message},
            {"part", condition.part},     {"since", to_rfc3339(condition.since)}};
}

template <class T>
nlohmann::json list_of(const std::vector<T>& items) {
    nlohmann::json list = nlohmann::json::array();
    for (const T& item : items) {
        list.push_back(to_json(item));
    }
    return list;
}

}  // namespace

const AppStatus* Overview::find(const std::string& name) const {
    const auto it = std::find_if(apps.begin(), apps.end(),
                                 [&](const AppStatus& app) { return app.name == name; });
    return it == apps.end() ? nullptr : &*it;
}

std::size_t Overview::up() const {
    return static_cast<std::size_t>(std::count_if(
        apps.begin(), apps.end(), [](const AppStatus& app) { return is_up(app.state); }));
}

nlohmann::json to_json(const AppStatus& app) {
    return {{"name", app.name},
            {"display_name", app.display_name},
            {"version", app.version},
            {"dialect", app.dialect},
            {"file", app.file},
            {"state", to_string(app.state)},
            {"message", app.message},
            {"generation", app.generation},
            {"spec", app.spec},
            {"deployed_spec", app.deployed_spec},
            {"stopped", app.stopped},
            {"restarts", app.restarts},
            {"parts_ready", app.parts_ready},
            {"parts_total", app.parts_total},
            {"healthy", app.healthy},
            {"health", app.health},
            {"blockers", list_of(app.blockers)},
            {"pending", app.pending},
            {"request", app.request},
            {"down_because", app.down_because},
            {"next_attempt", app.next_attempt ? to_rfc3339(*app.next_attempt) : ""},
            {"last_event", app.last_event},
            {"last_event_at", app.last_event_at == WallTime{} ? "" : to_rfc3339(app.last_event_at)},
            {"change", app.change},
            {"since", to_rfc3339(app.since)},
            {"parts", list_of(app.parts)},
            {"conditions", list_of(app.conditions)}};
}

nlohmann::json to_json(const Overview& overview) {
    const auto in_state = [&](ServiceState state) {
        return std::count_if(overview.apps.begin(), overview.apps.end(),
                             [&](const AppStatus& app) { return app.state == state; });
    };
    return {{"apps", list_of(overview.apps)},
            {"summary",
             {{"total", overview.apps.size()},
              {"up", overview.up()},
              {"failed", in_state(ServiceState::Failed)},
              {"unknown", in_state(ServiceState::Unknown)}}},
            {"agent",
             {{"podman_reachable", overview.podman_reachable},
              {"podman_version", overview.podman_version},
              {"podman_error", overview.podman_error},
              {"pass_error", overview.pass_error},
              {"conditions", list_of(overview.agent_conditions)},
              {"passes", overview.passes},
              {"last_pass", to_rfc3339(overview.last_pass)},
              {"pass_since", overview.pass_since ? to_rfc3339(*overview.pass_since) : ""},
              {"last_pass_ms",
               std::chrono::duration<double, std::milli>(overview.last_pass_took).count()}}}};
}

}  // namespace podreeve::supervise
