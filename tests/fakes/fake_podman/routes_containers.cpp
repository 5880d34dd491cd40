#include <algorithm>

#include <fmt/format.h>

#include "tests/fakes/fake_podman/render.h"
#include "tests/fakes/fake_podman/routes.h"

namespace podreeve::fakes {
namespace {

bool label_fits(const Container& container, const std::string& wanted) {
    const json labels = container.spec.value("labels", json::object());
    const auto equals = wanted.find('=');
    const auto it = labels.find(wanted.substr(0, equals));
    return it != labels.end() && (equals == wanted.npos || *it == wanted.substr(equals + 1));
}

bool fits(const Container& container, const std::string& key, const std::string& value) {
    if (key == "label") {
        return label_fits(container, value);
    }
    if (key == "name") {
        return container.name.find(value) != container.name.npos;
    }
    if (key == "id") {
        return container.id.starts_with(value);
    }
    if (key == "status") {
        return container.state == value;
    }
    return key != "pod" || container.pod_id.starts_with(value);
}

// Values of one key are alternatives, but for labels; keys go together.
bool chosen(const Container& container, const json& filters) {
    for (const auto& [key, values] : filters.items()) {
        const auto one = [&, &name = key](const json& value) {
            return fits(container, name, value);
        };
        const bool good = key == "label" ? std::all_of(values.begin(), values.end(), one)
                                         : std::any_of(values.begin(), values.end(), one);
        if (!good) {
            return false;
        }
    }
    return true;
}

Answer list(Routed& routed) {
    const json filters = filters_of(routed.request);
    const bool all = routed.request.flag("all") || filters.contains("status");
    ordered_json rows = ordered_json::array();
    for (const Container* container : routed.engine.listed()) {
        if ((all || container->state == "running") && chosen(*container, filters)) {
            rows.push_back(render_container_row(routed.engine, *container));
        }
    }
    return ok(rows);
}

// "0" for a wait that failed and "-1" for one that did not wait for an exit: the handler drops the
// error.
std::optional<std::string> wait_result(const Engine& engine,
                                       const Container& container,
                                       const std::string& condition) {
    if (condition == "healthy" || condition == "unhealthy") {
        return "0";
    }
    const bool over = container.state != "running";
    if (condition == "stopped" || condition == "exited" || condition.empty()) {
        return over ? std::optional(std::to_string(container.exit_code)) : std::nullopt;
    }
    (void)engine;
    return condition == container.state ? std::optional<std::string>("-1") : std::nullopt;
}

std::optional<Answer> wait_for(Routed& routed, const std::string& who) {
    Answer why;
    const Container* found = routed.engine.container(who, &why);
    if (found == nullptr) {
        return why;
    }
    const std::string id = found->id;
    const std::string condition = routed.request.param("condition");
    if (condition.ends_with("healthy") && routed.engine.version < podman::Version{4, 6, 0}) {
        return error(400, "unknown container state", "unknown container state: " + condition);
    }
    do {
        const auto still = routed.engine.containers.find(id);
        if (still == routed.engine.containers.end()) {
            return text("-1\n");
        }
        if (const auto result = wait_result(routed.engine, still->second, condition)) {
            return text(*result + "\n");
        }
    } while (routed.wait());
    routed.exchange.cut();
    return std::nullopt;
}

std::string frame(const LogLine& line) {
    const std::string text = line.line.text + (line.line.partial ? "" : "\n");
    std::string out(8, '\0');
    out[0] = static_cast<char>(line.line.stream);
    for (unsigned i = 0; i < 4; ++i) {
        out[4 + i] = static_cast<char>((text.size() >> (8 * (3 - i))) & 0xff);
    }
    return out + text;
}

std::optional<Answer> logs(Routed& routed, const std::string& who) {
    Answer why;
    const Container* found = routed.engine.container(who, &why);
    if (found == nullptr) {
        return why;
    }
    const HttpRequest& request = routed.request;
    const bool streams[2] = {request.flag("stdout"), request.flag("stderr")};
    if (!streams[0] && !streams[1]) {
        const std::string message =
            fmt::format("Bad Request: you must choose at least one stream for {}", request.path);
        return error(400, message, message);
    }
    const std::string id = found->id;
    const std::string tail = request.param("tail", "all");
    std::size_t at = 0;
    if (const auto lines = found->log.size(); tail != "all" && !tail.empty()) {
        at = lines - std::min(lines, static_cast<std::size_t>(std::stoul(tail)));
    }
    routed.exchange.begin_stream(200, "");
    bool more = true;
    while (more) {
        std::string out;
        const auto it = routed.engine.containers.find(id);
        if (it == routed.engine.containers.end()) {
            break;
        }
        for (; at < it->second.log.size(); ++at) {
            const LogLine& line = it->second.log[at];
            out += streams[line.line.stream - 1] ? frame(line) : "";
        }
        more = request.flag("follow") && it->second.state == "running";
        if (!routed.write(out)) {
            break;
        }
        more = more && routed.wait();
    }
    return std::nullopt;
}

std::optional<unsigned> grace_of(const HttpRequest& request) {
    const std::string text = request.param("timeout");
    return text.empty() ? std::nullopt : std::optional(static_cast<unsigned>(std::stoul(text)));
}

Answer restart(Routed& routed, Container& container) {
    if (container.state == "running") {
        // Without a timeout libpod takes it for 0.
        routed.engine.stop_container(container, grace_of(routed.request).value_or(0));
    }
    Answer reply = routed.engine.start_container(container);
    routed.engine.emit(container, "restart");
    return reply;
}

Answer act(Routed& routed, Container& container, const std::string& verb) {
    Engine& engine = routed.engine;
    if (verb == "init") {
        return engine.init_container(container);
    }
    if (verb == "start") {
        return engine.start_container(container);
    }
    if (verb == "stop") {
        return engine.stop_container(container, grace_of(routed.request));
    }
    if (verb == "restart") {
        return restart(routed, container);
    }
    if (verb == "kill") {
        return engine.kill_container(container, routed.request.param("signal", "KILL"));
    }
    if (verb == "pause" || verb == "unpause") {
        return engine.pause_container(container, verb == "pause");
    }
    if (verb == "rename") {
        return engine.rename_container(container, routed.request.param("name"));
    }
    return no_such_route(routed.request);
}

Answer exists(Routed& routed, const std::string& who) {
    Answer why;
    if (routed.engine.container(who, &why) != nullptr) {
        return nothing(204);
    }
    if (why.body["cause"] == "no such container") {
        return error(404, "no such container", "no such container");
    }
    why.status = 500;
    why.body["response"] = 500;
    return why;
}

}  // namespace

std::optional<Answer> route_containers(Routed& routed) {
    const std::vector<std::string>& path = routed.path;
    const HttpRequest& request = routed.request;
    if (path.size() == 2 && path[1] == "json" && routed.is("GET")) {
        return list(routed);
    }
    if (path.size() == 2 && path[1] == "create" && routed.is("POST")) {
        Answer refusal;
        const auto body = body_of(request, refusal);
        return body ? routed.engine.create_container(*body) : refusal;
    }
    if (path.size() == 2 && routed.is("DELETE")) {
        const bool volumes = request.flag("volumes");
        return routed.engine.remove_container(path[1], request.flag("force"),
                                              request.flag("depend"), volumes);
    }
    if (path.size() != 3) {
        return no_such_route(request);
    }
    if (path[2] == "exists") {
        return exists(routed, path[1]);
    }
    if (path[2] == "wait") {
        return wait_for(routed, path[1]);
    }
    if (path[2] == "logs") {
        return logs(routed, path[1]);
    }
    Answer why;
    Container* container = routed.engine.container(path[1], &why);
    if (container == nullptr) {
        return why;
    }
    if (path[2] == "exec" && routed.is("POST")) {
        return create_exec(routed, *container);
    }
    return path[2] == "json" ? ok(render_container(routed.engine, *container, routed.v4_shape))
                             : act(routed, *container, path[2]);
}

}  // namespace podreeve::fakes
