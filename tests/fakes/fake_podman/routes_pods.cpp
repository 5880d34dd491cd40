#include <fmt/format.h>

#include "tests/fakes/fake_podman/render.h"
#include "tests/fakes/fake_podman/routes.h"

namespace podreeve::fakes {
namespace {

Answer list(Engine& engine) {
    std::vector<const Pod*> pods;
    for (const auto& [id, pod] : engine.pods) {
        pods.push_back(&pod);
    }
    std::sort(pods.begin(), pods.end(), [](auto* a, auto* b) { return a->sequence < b->sequence; });
    ordered_json rows = ordered_json::array();
    for (const Pod* pod : pods) {
        rows.push_back(render_pod_row(engine, *pod));
    }
    return ok(rows);
}

Answer kill(Routed& routed, Pod& pod) {
    for (Container* member : routed.engine.members(pod)) {
        if (member->state == "running") {
            routed.engine.kill_container(*member, routed.request.param("signal", "KILL"));
        }
    }
    return ok({{"Errs", nullptr}, {"Id", pod.id}, {"RawInput", routed.path[1]}});
}

}  // namespace

std::optional<Answer> route_pods(Routed& routed) {
    const std::vector<std::string>& path = routed.path;
    Engine& engine = routed.engine;
    if (path.size() == 2 && path[1] == "json" && routed.is("GET")) {
        return list(engine);
    }
    if (path.size() == 2 && path[1] == "create" && routed.is("POST")) {
        Answer refusal;
        const auto body = body_of(routed.request, refusal);
        return body ? engine.create_pod(*body) : refusal;
    }
    if (path.size() == 2 && routed.is("DELETE")) {
        return engine.remove_pod(path[1], routed.request.flag("force"));
    }
    if (path.size() != 3) {
        return no_such_route(routed.request);
    }
    Answer why;
    Pod* pod = engine.pod(path[1], &why);
    if (path[2] == "exists") {
        return pod != nullptr ? nothing(204) : why;
    }
    if (pod == nullptr) {
        return why;
    }
    if (path[2] == "json") {
        return ok(render_pod(engine, *pod));
    }
    if (path[2] == "start") {
        return engine.start_pod(*pod, path[1]);
    }
    if (path[2] == "stop") {
        return engine.stop_pod(*pod, path[1],
                               static_cast<unsigned>(std::stoul(routed.request.param("t", "0"))));
    }
    return path[2] == "kill" ? kill(routed, *pod) : no_such_route(routed.request);
}

}  // namespace podreeve::fakes
