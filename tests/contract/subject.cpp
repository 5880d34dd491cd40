#include "tests/contract/subject.h"

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <sys/stat.h>

namespace podreeve::contract {
namespace {

constexpr std::string_view kPrefix = "contract-";

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

// By value: a range of what a temporary Result holds would be gone in the loop.
template <class T>
std::vector<T> rows_of(Result<std::vector<T>> result) {
    EXPECT_TRUE(result) << result.error().message;
    return result ? std::move(*result) : std::vector<T>();
}

void pause(Duration duration) {
    std::mutex mutex;
    std::condition_variable never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, duration, [] { return false; });
}

}  // namespace

Patience::Patience()
    : watch_([over = over_](const std::stop_token& ended) mutable {
          std::mutex mutex;
          std::condition_variable_any never;
          std::unique_lock lock(mutex);
          never.wait_for(lock, ended, std::chrono::seconds(20), [] { return false; });
          over.request_stop();
      }) {}

Names obedient() {
    return {"sh", "-c", "trap \"exit 3\" TERM; echo ready; while :; do sleep 0.05; done"};
}

Names stubborn() {
    return {"sleep", "1000"};
}

Names failing(int code) {
    return {"sh", "-c", "exit " + std::to_string(code)};
}

void Contract::SetUp() {
    socket_ = environment("PODREEVE_PODMAN_SOCKET");
    if (socket_.empty()) {
        const std::string asked = environment("PODREEVE_FAKE_VERSION");
        fakes::FakePodman::Options options;
        options.version = asked.empty() ? options.version : asked;
        fake_ = std::make_unique<fakes::FakePodman>(options);
        socket_ = fake_->socket_path();
    }

    struct stat info {};

    ASSERT_EQ(::stat(socket_.c_str(), &info), 0) << socket_;
    owner_ = info.st_uid;  // the real podman's is not always this process's user
    client_ = std::make_unique<Client>(socket_, owner_);
    http_ = std::make_unique<http::HttpClient>(socket_);
    const auto version = client_->version(call());
    ASSERT_TRUE(version) << version.error().message;
    version_ = *version;
    clean();
}

void Contract::TearDown() {
    clean();
    client_.reset();
    http_.reset();
    fake_.reset();
}

void Contract::clean() {
    const auto ours = [](const std::string& name) { return name.starts_with(kPrefix); };
    const auto pods = client_->list_pods(call());
    ASSERT_TRUE(pods) << pods.error().message;
    for (const podman::PodSummary& pod : *pods) {
        if (ours(pod.name)) {
            EXPECT_OK(client_->remove_pod(pod.name, true, call()));
        }
    }
    const auto containers = client_->list_containers(call());
    ASSERT_TRUE(containers) << containers.error().message;
    podman::RemoveOptions options;
    options.force = options.depend = options.volumes = true;
    options.timeout_seconds = 0;
    for (const podman::ContainerSummary& container : *containers) {
        if (ours(container.name) || container.name.ends_with("-service")) {
            EXPECT_OK(client_->remove_container(container.id, options, call()));
        }
    }
    for (const podman::VolumeDetails& volume : rows_of(client_->list_volumes(call()))) {
        if (ours(volume.name)) {
            EXPECT_EQ(raw("DELETE", "volumes/" + volume.name).status, 204);
        }
    }
    for (const podman::NetworkDetails& network : rows_of(client_->list_networks(call()))) {
        if (ours(network.name)) {
            EXPECT_OK(client_->remove_network(network.name, call()));
        }
    }
    for (const podman::SecretDetails& secret : rows_of(client_->list_secrets(call()))) {
        if (ours(secret.name)) {
            EXPECT_OK(client_->remove_secret(secret.name, call()));
        }
    }
}

http::Response Contract::raw(const std::string& method,
                             const std::string& path,
                             const std::string& body,
                             const std::string& content_type) {
    return raw_at(version_.major >= 5 ? "/v5.0.0" : "/v4.0.0", method, path, body, content_type);
}

http::Response Contract::raw_at(const std::string& prefix,
                                const std::string& method,
                                const std::string& path,
                                const std::string& body,
                                const std::string& content_type) {
    http::Request request;
    request.method = method;
    request.target = prefix + "/libpod/" + path;
    request.body = body;
    request.content_type = body.empty() ? "" : content_type;
    const auto reply = http_->call(request);
    EXPECT_TRUE(reply) << method << " " << path << ": " << reply.error().message;
    return reply ? *reply : http::Response();
}

std::string Contract::make(const std::string& name,
                           const Names& command,
                           const std::string& pod,
                           const std::function<void(podman::ContainerCreate&)>& more) {
    podman::ContainerCreate create;
    create.name = name;
    create.image = kImage;
    create.command = command;
    create.pod = pod;
    create.stop_timeout = 1;
    if (more) {
        more(create);
    }
    const auto id = client_->create_container(create, call());
    EXPECT_TRUE(id) << id.error().message;
    return id ? *id : "";
}

std::string Contract::start(const std::string& name, const Names& command) {
    const std::string id = make(name, command);
    EXPECT_OK(client_->start_container(name, call()));
    return id;
}

std::string Contract::make_pod(const std::string& name,
                               const std::function<void(podman::PodCreate&)>& more) {
    podman::PodCreate create;
    create.name = name;
    if (more) {
        more(create);
    }
    const auto id = client_->create_pod(create, call());
    EXPECT_TRUE(id) << id.error().message;
    return id ? *id : "";
}

void Contract::await_ready(const std::string& name, int starts) {
    // Not by following: 4.3 ends that at the exit of a run before.
    EXPECT_TRUE(eventually([&] {
        int seen = 0;
        EXPECT_OK(client_->container_logs(
            name, 100, false,
            [&](int, std::string_view line) {
                seen += line == "ready" ? 1 : 0;
                return true;
            },
            call()));
        return seen >= starts;
    }));
}

podman::ContainerSummary Contract::row(const std::string& name) {
    const auto rows = client_->list_containers(call());
    EXPECT_TRUE(rows) << rows.error().message;
    const auto it = std::find_if(rows->begin(), rows->end(), [&](const auto& one) {
        return one.name == name || one.id == name;
    });
    return it == rows->end() ? podman::ContainerSummary() : *it;
}

podman::PodSummary Contract::pod_row(const std::string& name) {
    const auto rows = client_->list_pods(call());
    EXPECT_TRUE(rows) << rows.error().message;
    const auto it =
        std::find_if(rows->begin(), rows->end(), [&](const auto& one) { return one.name == name; });
    return it == rows->end() ? podman::PodSummary() : *it;
}

podman::ContainerState Contract::state(const std::string& name) {
    const auto details = client_->inspect_container(name, call());
    return details ? details->summary.state : podman::ContainerState::Unknown;
}

bool Contract::over(const std::string& name) {
    const podman::ContainerState now = state(name);
    return now == podman::ContainerState::Exited || now == podman::ContainerState::Stopped;
}

bool Contract::eventually(const std::function<bool()>& holds) {
    const SystemClock clock;
    const SteadyTime end = clock.steady_now() + std::chrono::seconds(10);
    while (clock.steady_now() < end) {
        if (holds()) {
            return true;
        }
        pause(std::chrono::milliseconds(5));
    }
    return holds();
}

void Contract::idle_exit() {
    if (real()) {
        pause(std::chrono::milliseconds(7500));  // five seconds of idle, and the end itself
    } else {
        fake_->cut_connections();
    }
}

}  // namespace podreeve::contract
