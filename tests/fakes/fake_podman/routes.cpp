#include "tests/fakes/fake_podman/routes.h"

#include <cstdio>

#include <fmt/format.h>

#include "tests/fakes/fake_podman/render.h"

namespace podreeve::fakes {
namespace {

std::vector<std::string> split_path(const std::string& path) {
    std::vector<std::string> out;
    std::size_t at = 0;
    while (at < path.size()) {
        const auto end = std::min(path.find('/', at + 1), path.size());
        out.push_back(url_decode(path.substr(at + 1, end - at - 1)));
        at = end;
    }
    return out;
}

}  // namespace

bool Routed::wait() {
    // The deadline is only for noticing a client that went away.
    engine.changed.wait_for(lock, std::chrono::milliseconds(20));
    return !engine.stopping && !exchange.peer_gone();
}

bool Routed::write(const std::string& data) {
    if (data.empty()) {
        return true;
    }
    lock.unlock();
    const bool sent = exchange.write(data);
    lock.lock();
    return sent;
}

Answer no_such_route(const HttpRequest& request) {
    return error(404, "Not Found",
                 fmt::format("Not Found: Request URL {} is not known", request.path));
}

json filters_of(const HttpRequest& request) {
    const std::string text = request.param("filters");
    const json parsed = text.empty() ? json::object() : json::parse(text, nullptr, false);
    return parsed.is_object() ? parsed : json::object();
}

std::optional<json> body_of(const HttpRequest& request, Answer& refusal) {
    json body = json::parse(request.body, nullptr, false);
    if (body.is_object()) {
        return body;
    }
    refusal = error(500, "unexpected EOF", "decode(): unexpected EOF");
    return std::nullopt;
}

std::optional<Answer> route(Routed& routed) {
    std::vector<std::string> path = split_path(routed.request.path);
    podman::Version asked;
    const bool versioned =
        !path.empty() && std::sscanf(path.front().c_str(), "v%d.%d.%d", &asked.major, &asked.minor,
                                     &asked.patch) >= 2;
    if (versioned) {
        path.erase(path.begin());
    }
    const bool ping = !path.empty() && path.back() == "_ping";
    if (path.size() < 2 || path.front() != "libpod" || (!versioned && !ping)) {
        return ping ? text("OK") : no_such_route(routed.request);
    }
    path.erase(path.begin());
    routed.v4_shape = routed.engine.version.major < 5 ||
                      (asked.major < 5 && routed.engine.version >= podman::Version{5, 2, 0});
    routed.path = std::move(path);
    const std::string& room = routed.path.front();
    if (room == "_ping") {
        return text("OK");
    }
    if (room == "info") {
        return ok(render_info(routed.engine));
    }
    if (room == "version") {
        return ok(render_version(routed.engine));
    }
    if (room == "containers") {
        return route_containers(routed);
    }
    if (room == "exec") {
        return route_exec(routed);
    }
    if (room == "pods") {
        return route_pods(routed);
    }
    if (room == "images") {
        return route_images(routed);
    }
    if (room == "volumes") {
        return route_volumes(routed);
    }
    if (room == "networks") {
        return route_networks(routed);
    }
    if (room == "secrets") {
        return route_secrets(routed);
    }
    if (room == "kube" || room == "play") {
        return route_kube(routed);
    }
    return room == "events" ? route_events(routed) : no_such_route(routed.request);
}

}  // namespace podreeve::fakes
