#include "tests/fakes/fake_podman/fake_podman.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <regex>
#include <stdexcept>

#include <fmt/format.h>

#include "runtime/base/digest.h"
#include "tests/fakes/fake_podman/engine.h"
#include "tests/fakes/fake_podman/faults.h"
#include "tests/fakes/fake_podman/http_server.h"
#include "tests/fakes/fake_podman/render.h"
#include "tests/fakes/fake_podman/routes.h"
#include "tests/fakes/files.h"
#include "tests/fakes/temp_dir.h"

namespace podreeve::fakes {
namespace {

podman::Version parsed(const std::string& text) {
    podman::Version version;
    if (std::sscanf(text.c_str(), "%d.%d.%d", &version.major, &version.minor, &version.patch) !=
        3) {
        throw std::invalid_argument("not a version of podman: " + text);
    }
    return version;
}

std::string server_headers(const std::string& version) {
    return fmt::format(
        "Api-Version: 1.41\r\nLibpod-Api-Version: {0}\r\nLibpod-Buildah-Version: 1.39.3\r\n"
        "Server: Libpod/{0} (linux)\r\n",
        version);
}

// "/v5.0.0/libpod/pods/json?a=b" -> "pods/json?a=b"
std::string unversioned(const std::string& target) {
    static const std::regex prefix("^(/v[0-9.]+)?/libpod/");
    return std::regex_replace(target, prefix, "");
}

}  // namespace

struct FakePodman::Server {
    SystemClock system_clock;
    std::optional<TempDir> own_directory;
    std::string directory;
    std::string socket;
    Engine engine;
    Faults faults;
    std::vector<Entry> entries;  // guarded by engine.mutex, like all that follows
    Hook before, after;
    HttpServer http;

    explicit Server(const Options& options)
        : directory(options.directory.empty() ? own_directory.emplace().path().string()
                                              : options.directory),
          socket(directory + "/podman.sock"),
          engine(options.clock == nullptr ? system_clock : *options.clock,
                 directory,
                 parsed(options.version)),
          http(socket,
               server_headers(options.version),
               [this](const HttpRequest& request, Exchange& exchange) {
                   handle(request, exchange);
               }) {
        if (!http.start()) {
            throw std::runtime_error("cannot listen on " + socket);
        }
    }

    ~Server() {
        {
            std::lock_guard lock(engine.mutex);
            engine.stopping = true;
            engine.changed.notify_all();
        }
        http.stop();
    }

    void handle(const HttpRequest& request, Exchange& exchange) {
        std::unique_lock lock(engine.mutex);
        const std::size_t index = entries.size();
        entries.push_back({request.method, unversioned(request.target), request.body, 0});
        engine.changed.notify_all();  // of a stream the end may be far
        Entry entry = entries.back();
        call(before, entry, lock);
        serve(request, exchange, entry, lock);
        const bool is_answered = entry.status != 0;  // then that was told
        entry.status = exchange.status();
        if (index < entries.size()) {
            entries[index].status = entry.status;
        }
        engine.changed.notify_all();
        if (!is_answered) {
            call(after, entry, lock);
        }
    }

    static void call(const Hook& hook, const Entry& entry, std::unique_lock<std::mutex>& lock) {
        if (hook) {
            const Hook copy = hook;
            lock.unlock();
            copy(entry);
            lock.lock();
        }
    }

    void serve(const HttpRequest& request,
               Exchange& exchange,
               Entry& entry,
               std::unique_lock<std::mutex>& lock) {
        Routed routed{engine, lock, request, exchange, {}};
        const Faults::Rule rule = faults.take(request.method, entry.path);
        if (!faults.delay(request.method, entry.path, routed) || !hold(rule, routed)) {
            exchange.cut();
            return;
        }
        if (rule.kind == Faults::Kind::Answer) {
            exchange.reply(rule.status, "application/json", rule.message);
            return;
        }
        if (rule.kind == Faults::Kind::Fail) {
            send(exchange, error(rule.status, rule.message, rule.message), entry, lock);
            return;
        }
        if (rule.kind == Faults::Kind::CutMiddle) {
            exchange.cut_in_the_middle();
        }
        engine.run_work(true);
        const std::optional<Answer> reply = route(routed);
        if (rule.kind == Faults::Kind::CutBeforeReply) {
            exchange.cut();
        } else if (reply) {
            send(exchange, *reply, entry, lock);
        }
        engine.run_work(false);
    }

    // False when the connection is to be cut with nothing done.
    bool hold(const Faults::Rule& rule, Routed& routed) {
        if (rule.kind == Faults::Kind::Hang) {
            faults.hang(routed);
            return false;
        }
        return rule.kind != Faults::Kind::CutBeforeWork;
    }

    void send(Exchange& exchange,
              const Answer& reply,
              Entry& entry,
              std::unique_lock<std::mutex>& lock) {
        entry.status = reply.status;
        call(after, entry, lock);
        lock.unlock();
        const bool is_json = reply.raw.empty() && reply.has_body;
        exchange.reply(reply.status, reply.content_type,
                       is_json ? reply.body.dump() + "\n" : reply.raw);
        lock.lock();
    }

    Image known_image(const std::string& name, Image image) {
        image.names = {name};
        image.id = image.id.empty() ? engine.new_id("image " + name) : image.id;
        image.digest = image.digest.empty() ? "sha256:" + sha256_hex(image.id) : image.digest;
        if (image.entrypoint.empty() && image.command.empty()) {
            image.command = {"serve"};
        }
        image.created = engine.clock.system_now();
        return image;
    }

    std::string start(const std::string& name) {
        if (Container* container = engine.container(name)) {
            return std::to_string(engine.start_container(*container).status);
        }
        Pod* pod = engine.pod(name);
        return pod == nullptr ? "" : std::to_string(engine.start_pod(*pod, name).status);
    }

    bool stop(const std::string& name) {
        if (Container* container = engine.container(name)) {
            engine.stop_container(*container, std::nullopt);
        } else if (Pod* pod = engine.pod(name)) {
            engine.stop_pod(*pod, name, 0);
        } else {
            return false;
        }
        engine.run_work(false);
        return true;
    }

    bool remove(const std::string& name) {
        const bool done = engine.container(name) != nullptr
                              ? engine.remove_container(name, true, true, false).status < 300
                              : engine.remove_pod(name, true).status < 300;
        engine.run_work(false);
        return done;
    }
};

FakePodman::FakePodman(Options options) : server_(std::make_unique<Server>(options)) {}

FakePodman::FakePodman() : FakePodman(Options{}) {}

FakePodman::~FakePodman() = default;

const std::string& FakePodman::socket_path() const {
    return server_->socket;
}

const std::string& FakePodman::directory() const {
    return server_->directory;
}

void FakePodman::set_version(const std::string& version) {
    std::lock_guard lock(server_->engine.mutex);
    server_->engine.version = parsed(version);
    server_->http.set_headers(server_headers(version));
}

std::string FakePodman::add_image(const std::string& name, Image image) {
    std::lock_guard lock(server_->engine.mutex);
    std::erase_if(server_->engine.images,
                  [&](const Image& old) { return old.names.front() == name; });
    return server_->engine.images.emplace_back(server_->known_image(name, std::move(image))).id;
}

void FakePodman::remove_image(const std::string& name) {
    std::lock_guard lock(server_->engine.mutex);
    std::erase_if(server_->engine.images,
                  [&](const Image& old) { return old.names.front() == name; });
}

std::string FakePodman::add_to_registry(const std::string& reference,
                                        Image image,
                                        std::vector<std::string> progress) {
    std::lock_guard lock(server_->engine.mutex);
    Engine::Pull pull{server_->known_image(reference, std::move(image)), "", std::move(progress)};
    return (server_->engine.registry[reference] = std::move(pull)).image.id;
}

void FakePodman::fail_pulls_of(const std::string& reference, const std::string& error) {
    std::lock_guard lock(server_->engine.mutex);
    server_->engine.registry[reference].error = error;
}

void FakePodman::set_program(const std::string& where, Program program) {
    std::lock_guard lock(server_->engine.mutex);
    server_->engine.programs.push_back({where, std::move(program)});
}

void FakePodman::occupy_port(int port, bool taken) {
    std::lock_guard lock(server_->engine.mutex);
    if (taken) {
        server_->engine.foreign_ports.insert(port);
    } else {
        server_->engine.foreign_ports.erase(port);
    }
}

struct FakePodman::Kept {
    Engine::Objects objects;
    std::map<std::string, std::map<std::string, std::string>> files;  // by volume
};

std::shared_ptr<const FakePodman::Kept> FakePodman::keep() {
    std::lock_guard lock(server_->engine.mutex);
    while (!server_->engine.work.empty()) {
        server_->engine.run_work(true);
    }
    auto kept = std::make_shared<Kept>();
    kept->objects = server_->engine.objects();
    for (const auto& [name, volume] : kept->objects.volumes) {
        kept->files[name] = files_below(volume.mountpoint);
    }
    return kept;
}

void FakePodman::put_back(const Kept& kept) {
    namespace fs = std::filesystem;
    std::lock_guard lock(server_->engine.mutex);
    for (const auto& [name, volume] : server_->engine.volumes) {
        fs::remove_all(volume.mountpoint);
    }
    server_->engine.put_back(kept.objects);
    for (const auto& [name, volume] : kept.objects.volumes) {
        fs::create_directories(volume.mountpoint);
        for (const auto& [path, content] : kept.files.at(name)) {
            const fs::path file = fs::path(volume.mountpoint) / path;
            fs::create_directories(file.parent_path());
            std::ofstream(file) << content;
        }
    }
}

bool FakePodman::kill_process(const std::string& name, int exit_code) {
    std::lock_guard lock(server_->engine.mutex);
    Container* container = server_->engine.container(name);
    if (container == nullptr || container->state != "running") {
        return false;
    }
    server_->engine.exited(*container, exit_code);
    server_->engine.run_work(false);
    return true;
}

bool FakePodman::kill_with_conmon(const std::string& name) {
    std::lock_guard lock(server_->engine.mutex);
    Container* container = server_->engine.container(name);
    if (container == nullptr || container->state != "running") {
        return false;
    }
    container->zombie = true;
    server_->engine.hide(*container);
    return true;
}

void FakePodman::show_processes_in(FakeProc& proc) {
    std::lock_guard lock(server_->engine.mutex);
    server_->engine.proc = &proc;
    for (const auto& [id, container] : server_->engine.containers) {
        if (container.state == "running" && !container.zombie) {
            server_->engine.show(container);
        }
    }
}

bool FakePodman::remove_behind_back(const std::string& name) {
    std::lock_guard lock(server_->engine.mutex);
    return server_->remove(name);
}

bool FakePodman::stop_behind_back(const std::string& name) {
    std::lock_guard lock(server_->engine.mutex);
    return server_->stop(name);
}

bool FakePodman::start_behind_back(const std::string& name) {
    std::lock_guard lock(server_->engine.mutex);
    return !server_->start(name).empty();
}

std::string FakePodman::create_behind_back(const nlohmann::json& spec, bool start) {
    std::lock_guard lock(server_->engine.mutex);
    const Answer made = server_->engine.create_container(spec);
    if (made.status != 201) {
        throw std::invalid_argument(made.body["message"].get<std::string>());
    }
    const std::string id = made.body["Id"];
    if (start) {
        server_->start(id);
    }
    return id;
}

bool FakePodman::wedge(const std::string& name, const std::string& state) {
    std::lock_guard lock(server_->engine.mutex);
    Container* container = server_->engine.container(name);
    if (container != nullptr) {
        container->state = state;
        container->pid = container->conmon_pid = 0;
    }
    return container != nullptr;
}

void FakePodman::reboot() {
    std::lock_guard lock(server_->engine.mutex);
    for (auto& [id, container] : server_->engine.containers) {
        if (container.state == "running") {
            container.state = "exited";
            container.exit_code = 255;
            container.pid = container.conmon_pid = 0;
        }
    }
    server_->engine.emit({"system", "refresh", "", "", {{"name", ""}}, 0});
}

void FakePodman::append_log(const std::string& name, int stream, const std::string& text) {
    std::lock_guard lock(server_->engine.mutex);
    if (Container* container = server_->engine.container(name)) {
        container->log.push_back({{stream, text}, server_->engine.clock.system_now()});
        server_->engine.changed.notify_all();
    }
}

std::string FakePodman::state_of(const std::string& name) const {
    std::lock_guard lock(server_->engine.mutex);
    if (const Container* container = server_->engine.container(name)) {
        return container->state;
    }
    const Pod* pod = server_->engine.pod(name);
    return pod == nullptr ? "" : server_->engine.pod_status(*pod);
}

std::string FakePodman::id_of(const std::string& name) const {
    std::lock_guard lock(server_->engine.mutex);
    if (const Container* container = server_->engine.container(name)) {
        return container->id;
    }
    const Pod* pod = server_->engine.pod(name);
    return pod == nullptr ? "" : pod->id;
}

std::vector<std::string> FakePodman::container_names() const {
    std::lock_guard lock(server_->engine.mutex);
    std::vector<std::string> names;
    for (const Container* container : server_->engine.listed()) {
        names.push_back(container->name);
    }
    return names;
}

std::vector<std::string> FakePodman::pod_names() const {
    std::lock_guard lock(server_->engine.mutex);
    std::vector<std::string> names;
    for (const auto& [id, pod] : server_->engine.pods) {
        names.push_back(pod.name);
    }
    std::sort(names.begin(), names.end());
    return names;
}

bool FakePodman::relabel_behind_back(const std::string& kind,
                                     const std::string& name,
                                     const std::map<std::string, std::string>& labels) {
    std::lock_guard lock(server_->engine.mutex);
    Engine& engine = server_->engine;
    const auto of_named = [&](auto& objects) {
        const auto found = objects.find(name);
        if (found != objects.end()) {
            found->second.labels = labels;
        }
        return found != objects.end();
    };
    const auto of_created = [&](auto* object) {
        if (object != nullptr) {
            object->spec["labels"] = labels;
        }
        return object != nullptr;
    };
    return kind == "volume"   ? of_named(engine.volumes)
           : kind == "secret" ? of_named(engine.secrets)
           : kind == "pod"    ? of_created(engine.pod(name))
                              : of_created(engine.container(name));
}

nlohmann::json FakePodman::inspect(const std::string& name) const {
    std::lock_guard lock(server_->engine.mutex);
    if (const Container* container = server_->engine.container(name)) {
        return container->spec;
    }
    const Pod* pod = server_->engine.pod(name);
    return pod == nullptr ? nlohmann::json() : pod->spec;
}

std::vector<FakePodman::Running> FakePodman::running() const {
    std::lock_guard lock(server_->engine.mutex);
    std::vector<Running> running;
    for (const auto& [id, container] : server_->engine.containers) {
        if (container.state == "running") {
            running.push_back({id, container.pid, container.conmon_pid, container.zombie});
        }
    }
    return running;
}

std::vector<EventRecord> FakePodman::events() const {
    std::lock_guard lock(server_->engine.mutex);
    return server_->engine.events;
}

void FakePodman::fail_next(const std::string& method,
                           const std::string& path,
                           int status,
                           const std::string& message,
                           unsigned times) {
    std::lock_guard lock(server_->engine.mutex);
    server_->faults.add({Faults::Kind::Fail, method, std::regex(path), times, status, message});
}

void FakePodman::answer_next(const std::string& method,
                             const std::string& path,
                             int status,
                             const std::string& body,
                             unsigned times) {
    std::lock_guard lock(server_->engine.mutex);
    server_->faults.add({Faults::Kind::Answer, method, std::regex(path), times, status, body});
}

void FakePodman::hang_next(const std::string& method, const std::string& path, unsigned times) {
    std::lock_guard lock(server_->engine.mutex);
    server_->faults.add({Faults::Kind::Hang, method, std::regex(path), times, 0, ""});
}

void FakePodman::release_hung() {
    std::lock_guard lock(server_->engine.mutex);
    server_->faults.release();
    server_->engine.changed.notify_all();
}

std::size_t FakePodman::hung() const {
    std::lock_guard lock(server_->engine.mutex);
    return server_->faults.hung();
}

void FakePodman::drop_next(const std::string& method,
                           const std::string& path,
                           Cut where,
                           unsigned times) {
    const Faults::Kind kind = where == Cut::BeforeWork    ? Faults::Kind::CutBeforeWork
                              : where == Cut::BeforeReply ? Faults::Kind::CutBeforeReply
                                                          : Faults::Kind::CutMiddle;
    std::lock_guard lock(server_->engine.mutex);
    server_->faults.add({kind, method, std::regex(path), times, 0, ""});
}

void FakePodman::slow(const std::string& method, const std::string& path, Duration duration) {
    std::lock_guard lock(server_->engine.mutex);
    server_->faults.set_delay(method, path, duration);
}

void FakePodman::refuse(bool on) {
    if (on) {
        server_->http.close_listener();
        server_->http.cut_connections();
    } else if (!server_->http.listening() && !server_->http.start()) {
        throw std::runtime_error("cannot listen on " + server_->socket);
    }
}

void FakePodman::cut_connections() {
    server_->http.cut_connections();
}

void FakePodman::lag_service_work(unsigned requests) {
    std::lock_guard lock(server_->engine.mutex);
    server_->engine.work_lag = requests;
}

std::vector<FakePodman::Entry> FakePodman::journal() const {
    std::lock_guard lock(server_->engine.mutex);
    return server_->entries;
}

std::vector<std::string> FakePodman::mutations() const {
    std::lock_guard lock(server_->engine.mutex);
    std::vector<std::string> out;
    for (const Entry& entry : server_->entries) {
        const bool waits = entry.path.find("/wait") != std::string::npos;
        if (entry.method != "GET" && entry.method != "HEAD" && !waits) {
            out.push_back(entry.method + " " + entry.path.substr(0, entry.path.find('?')));
        }
    }
    return out;
}

void FakePodman::clear_journal() {
    std::lock_guard lock(server_->engine.mutex);
    server_->entries.clear();
}

void FakePodman::on_request(Hook before, Hook after) {
    std::lock_guard lock(server_->engine.mutex);
    server_->before = std::move(before);
    server_->after = std::move(after);
}

bool FakePodman::wait_until(const std::function<bool(const std::vector<Entry>&)>& predicate,
                            Duration patience) const {
    std::unique_lock lock(server_->engine.mutex);
    return server_->engine.changed.wait_for(lock, patience,
                                            [&] { return predicate(server_->entries); });
}

}  // namespace podreeve::fakes
