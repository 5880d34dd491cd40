#include "tests/fakes/fake_podman/engine.h"

#include <algorithm>

#include <fmt/format.h>

#include "runtime/base/digest.h"

namespace podreeve::fakes {
namespace {

// Above the largest pid there can be, so that nobody ever signals or watches a real process by
// mistake.
constexpr std::int64_t kFirstPid = (1 << 22) + 1;

Image made_image(const std::string& name, const std::string& id, WallTime now) {
    Image image;
    image.id = id;
    image.digest = "sha256:" + sha256_hex(id);
    image.names = {name};
    image.created = now;
    return image;
}

std::string with_tag(const std::string& name) {
    const auto slash = name.rfind('/');
    return name.find(':', slash == name.npos ? 0 : slash) == name.npos ? name + ":latest" : name;
}

}  // namespace

std::vector<std::string> strings(const json& object, const char* key) {
    const auto it = object.find(key);
    return it != object.end() && it->is_array() ? it->get<std::vector<std::string>>()
                                                : std::vector<std::string>();
}

std::vector<std::string> command_line(const json& spec) {
    std::vector<std::string> line = strings(spec, "entrypoint");
    const std::vector<std::string> command = strings(spec, "command");
    line.insert(line.end(), command.begin(), command.end());
    return line;
}

Engine::Engine(const Clock& the_clock, std::string the_directory, podman::Version the_version)
    : clock(the_clock),
      directory(std::move(the_directory)),
      version(the_version),
      next_pid_(kFirstPid) {
    const WallTime now = clock.system_now();
    images.push_back(made_image("localhost/busybox:latest", sha256_hex("busybox"), now));
    Network network;
    network.name = "podman";
    network.id = "2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9";
    network.interface = "podman0";
    network.created = now;
    network.subnet = 88;
    networks.emplace(network.name, network);
}

std::string Engine::new_id(const std::string& kind, std::size_t length) {
    return sha256_hex(fmt::format("{} {}", kind, ++sequence_)).substr(0, length);
}

Engine::Objects Engine::objects() const {
    return {containers, pods,   images,        volumes,   networks,
            secrets,    events, exec_sessions, sequence_, next_pid_};
}

void Engine::put_back(const Objects& objects) {
    containers = objects.containers;
    pods = objects.pods;
    images = objects.images;
    volumes = objects.volumes;
    networks = objects.networks;
    secrets = objects.secrets;
    events = objects.events;
    exec_sessions = objects.exec_sessions;
    sequence_ = objects.sequence;
    next_pid_ = objects.next_pid;
    work.clear();
    changed.notify_all();
}

void Engine::run_work(bool before_request) {
    if (before_request && !work.empty() && work_waited++ < work_lag) {
        return;
    }
    if (!before_request && work_lag > 0) {
        return;
    }
    work_waited = 0;
    while (!work.empty()) {
        const auto job = std::move(work.front());
        work.pop_front();
        job();
    }
}

Container* Engine::container(const std::string& who, Answer* why) {
    std::vector<Container*> found;
    for (auto& [id, container] : containers) {
        if (id == who || container.name == who) {
            return &container;
        }
        if (id.starts_with(who) && !who.empty()) {
            found.push_back(&container);
        }
    }
    if (found.size() == 1) {
        return found.front();
    }
    if (why != nullptr) {
        const std::string cause = found.empty() ? "no such container" : "container already exists";
        *why =
            error(404, cause,
                  found.empty()
                      ? fmt::format("no container with name or ID \"{}\" found: {}", who, cause)
                      : fmt::format("more than one result for container \"{}\": {}", who, cause));
    }
    return nullptr;
}

Pod* Engine::pod(const std::string& who, Answer* why) {
    std::vector<Pod*> found;
    for (auto& [id, pod] : pods) {
        if (id == who || pod.name == who) {
            return &pod;
        }
        if (id.starts_with(who) && !who.empty()) {
            found.push_back(&pod);
        }
    }
    if (found.size() == 1) {
        return found.front();
    }
    if (why != nullptr) {
        *why = error(404, "no such pod",
                     fmt::format("no pod with name or ID {} found: no such pod", who));
    }
    return nullptr;
}

Image* Engine::image(const std::string& name) {
    for (Image& image : images) {
        const auto& names = image.names;
        const bool named = std::find(names.begin(), names.end(), with_tag(name)) != names.end();
        if (named || (name.size() >= 12 && image.id.starts_with(name))) {
            return &image;
        }
    }
    return nullptr;
}

Image& Engine::pause_image() {
    const std::string name = fmt::format("localhost/podman-pause:{}.{}.{}-1766335321",
                                         version.major, version.minor, version.patch);
    if (Image* known = image(name)) {
        return *known;
    }
    Image made = made_image(name, sha256_hex(name), clock.system_now());
    made.entrypoint = {"/catatonit", "-P"};
    made.labels = {{"io.buildah.version", "1.39.3"}};
    return images.emplace_back(std::move(made));
}

std::vector<Container*> Engine::listed() {
    std::vector<Container*> out;
    for (auto& [id, container] : containers) {
        out.push_back(&container);
    }
    std::sort(out.begin(), out.end(),
              [](const Container* a, const Container* b) { return a->sequence < b->sequence; });
    return out;
}

std::vector<Container*> Engine::members(const Pod& pod) {
    std::vector<Container*> out = listed();
    std::erase_if(out, [&](const Container* c) { return c->pod_id != pod.id; });
    return out;
}

std::string Engine::pod_status(const Pod& pod) {
    std::size_t all = 0, running = 0, stopped = 0, created = 0;
    for (const Container* member : members(pod)) {
        if (!member->init_type().empty()) {
            continue;
        }
        ++all;
        running += member->state == "running" ? 1 : 0;
        stopped += member->state == "exited" || member->state == "stopped" ? 1 : 0;
        created += member->state == "created" ? 1 : 0;
    }
    if (all == created) {
        return "Created";
    }
    if (running == all) {
        return "Running";
    }
    if (stopped == all) {
        return "Exited";
    }
    if (running > 0) {
        return "Degraded";
    }
    return stopped > 0 ? "Stopped" : "Error";
}

void Engine::emit(EventRecord event) {
    // No two at the same instant, as on a real host, whatever the clock does.
    const std::int64_t now = clock.system_now().time_since_epoch().count();
    event.time_nano = std::max(now, events.empty() ? 0 : events.back().time_nano + 1);
    event.attributes.try_emplace("image", "");
    event.attributes.try_emplace("podId", "");
    events.push_back(std::move(event));
    changed.notify_all();
}

void Engine::emit(const Container& container, const std::string& action) {
    EventRecord event{"container", action, container.id, container.image, {}, 0};
    if (const auto labels = container.spec.find("labels"); labels != container.spec.end()) {
        event.attributes = labels->get<std::map<std::string, std::string>>();
    }
    event.attributes["image"] = container.image;
    event.attributes["name"] = container.name;
    // The event of a death is written by what watches the process, which knows of no pod.
    event.attributes["podId"] = action == "died" ? "" : container.pod_id;
    if (action == "died" || (action == "remove" && container.finished)) {
        event.attributes["containerExitCode"] = std::to_string(container.exit_code);
    }
    emit(std::move(event));
}

void Engine::emit(const Pod& pod, const std::string& action) {
    emit({"pod", action, pod.id, "", {{"name", pod.name}}, 0});
}

Program Engine::program_for(const Container& container) const {
    const std::vector<std::string> command = command_line(container.spec);
    std::string line;
    for (const std::string& word : command) {
        line += word + " ";
    }
    for (auto rule = programs.rbegin(); rule != programs.rend(); ++rule) {
        if (container.image.find(rule->where) != std::string::npos ||
            container.name == rule->where || line.find(rule->where) != std::string::npos) {
            return rule->program;
        }
    }
    return program_of(command);
}

Program Engine::program_for_exec(const std::vector<std::string>& command) const {
    std::string line;
    for (const std::string& word : command) {
        line += word + " ";
    }
    for (auto rule = programs.rbegin(); rule != programs.rend(); ++rule) {
        if (line.find(rule->where) != std::string::npos) {
            return rule->program;
        }
    }
    return program_of(command);
}

}  // namespace podreeve::fakes
