#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tests/fakes/fake_podman/engine.h"
#include "tests/fakes/fake_podman/http_server.h"

namespace podreeve::fakes {

// One request on its way through the engine, whose lock is held but while a route waits or writes a
// stream.
struct Routed {
    Engine& engine;
    std::unique_lock<std::mutex>& lock;
    const HttpRequest& request;
    Exchange& exchange;
    std::vector<std::string> path;  // behind /libpod/, decoded
    bool v4_shape = false;          // the path asks for a version before 5.0.0

    // Waits for something to happen; false when nobody waits for the answer any more.
    bool wait();
    // Sends a piece of a stream with the lock released: nothing found before is valid after.
    bool write(const std::string& data);

    bool is(const char* method) const { return request.method == method; }
};

// Each gives podman's answer, none when it wrote the reply itself, as the streams do.
std::optional<Answer> route_containers(Routed& routed);
// The exec of a container, and what follows from it.
Answer create_exec(Routed& routed, const Container& container);
std::optional<Answer> route_exec(Routed& routed);
std::optional<Answer> route_pods(Routed& routed);
std::optional<Answer> route_images(Routed& routed);
std::optional<Answer> route_volumes(Routed& routed);
std::optional<Answer> route_networks(Routed& routed);
std::optional<Answer> route_secrets(Routed& routed);
std::optional<Answer> route_kube(Routed& routed);
std::optional<Answer> route_events(Routed& routed);
// Chooses among them, and answers info, version and _ping.
std::optional<Answer> route(Routed& routed);

Answer no_such_route(const HttpRequest& request);
// The `filters` of a query: {"label":["a=b"]}; empty when there are none.
json filters_of(const HttpRequest& request);
// The body as JSON, or podman's refusal.
std::optional<json> body_of(const HttpRequest& request, Answer& refusal);

}  // namespace podreeve::fakes
