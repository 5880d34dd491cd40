#include "agent/api/server.h"

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "agent/api/door.h"
#include "agent/api/exchange.h"
#include "agent/api/place.h"
#include "agent/api/reply.h"
#include "agent/api/resources.h"
#include "agent/api/turnstile.h"
#include "agent/api/writer.h"
#include "runtime/base/log.h"
#include "runtime/base/worker_pool.h"

namespace podreeve::api {
namespace {

// What waits neither for podman nor for the disk always finds one.
constexpr unsigned kThreads = kMostLongCalls + 8;
// Of those who wait for the disk of the state: threads of their own.
constexpr unsigned kDiskThreads = 8;
constexpr unsigned kMostRequests = 96;  // that are answered, or wait for a thread
// Of these, those who wait for the disk or for one of its threads. All of them, and all who wait
// for podman, leave room for others.
constexpr unsigned kMostDiskRequests = 48;

// Of a request, by its head. Whoever changes something waits until it is committed, which on a disk
// that stalls is for as long as that does; of those who only read, one looks which versions are
// kept. A pass that is asked for waits for podman, and is counted with those.
bool waits_for_disk(std::string_view head) {
    const std::string_view method = head.substr(0, head.find(' '));
    std::string_view target = head.substr(std::min(method.size() + 1, head.size()));
    target = target.substr(0, target.find_first_of(" ?\r\n"));
    const bool reads = method == "GET" || method == "HEAD";
    return reads ? target.ends_with("/history") : target != "/v1/reconcile";
}

// Which file stands at a path; that of none is (0, 0).
using FileIdentity = std::pair<dev_t, ino_t>;

FileIdentity identity_of(const std::filesystem::path& path) {
    struct stat info {};

    return ::lstat(path.c_str(), &info) == 0 ? FileIdentity(info.st_dev, info.st_ino)
                                             : FileIdentity();
}

}  // namespace

struct Server::Core {
    explicit Core(Backend given) : backend(std::move(given)) {
        add_resources(routes.server(), backend, writer.wake());
    }

    Backend backend;
    std::filesystem::path socket;
    FileIdentity bound;  // the socket as it was made
    Routes routes;
    Turnstile requests{kMostRequests}, disk_requests{kMostDiskRequests};
    Writer writer{Writer::Limits{}};
    WorkerPool threads{kThreads, {.kept = 0}}, disk_threads{kDiskThreads, {.kept = 0}};
    Door door{[this](std::unique_ptr<Connection> connection) { take(std::move(connection)); },
              Door::Limits{}};

    Status listen();
    void take(std::unique_ptr<Connection> connection);
    Result<std::vector<Turnstile::Place>> places_for(bool disk);
    void reply(std::unique_ptr<Connection> connection);
};

Result<std::vector<Turnstile::Place>> Server::Core::places_for(bool disk) {
    std::vector<Turnstile::Place> places;
    auto place = requests.enter();
    if (!place) {
        return fail(Code::Unavailable, "cannot answer: too many ask at once; try again");
    }
    places.push_back(std::move(*place));
    if (disk) {
        auto place_of_disk = disk_requests.enter();
        if (!place_of_disk) {
            const std::string trouble = backend.state.disk().trouble();
            return fail(Code::Unavailable,
                        fmt::format("cannot do that now: too many others wait to be written{}{}; "
                                    "try again",
                                    trouble.empty() ? "" : ", and ", trouble));
        }
        places.push_back(std::move(*place_of_disk));
    }
    return places;
}

// On the door's thread. Who comes when too many are served is told so at once.
void Server::Core::take(std::unique_ptr<Connection> connection) {
    const bool disk = waits_for_disk(connection->input);
    auto places = places_for(disk);
    if (!places) {
        std::string text = error_text(places.error());
        send_some(*connection, text);
        return;
    }
    (disk ? disk_threads : threads)
        .submit([this, held = std::make_shared<std::vector<Turnstile::Place>>(std::move(*places)),
                 shared = std::make_shared<std::unique_ptr<Connection>>(std::move(connection))] {
            reply(std::move(*shared));
        });
}

// Nobody who reads slowly holds a thread for it.
void Server::Core::reply(std::unique_ptr<Connection> connection) {
    Exchange exchange{*connection};
    routes.reply(exchange);
    if (!send_some(*connection, exchange.out)) {
        return;
    }
    if (exchange.tail || !exchange.out.empty()) {
        writer.add(std::move(connection), std::move(exchange.out), std::move(exchange.tail));
    } else if (!exchange.close) {
        door.take_back(std::move(connection));
    }
}

Status Server::Core::listen() {
    RETURN_IF_ERROR(make_place(socket));
    ASSIGN_OR_RETURN(UniqueFd fresh, listen_at(socket));
    bound = identity_of(socket);
    door.listen_on(std::move(fresh));
    return {};
}

Server::Server(std::unique_ptr<Core> core) : core_(std::move(core)) {}

Result<std::unique_ptr<Server>> Server::create(const std::filesystem::path& socket,
                                               Backend backend) {
    auto core = std::make_unique<Core>(std::move(backend));
    core->socket = socket;
    RETURN_IF_ERROR(core->listen());
    core->backend.state.on_event(
        [wake = core->writer.wake()](const state::Event&) { wake->notify(); });
    return std::unique_ptr<Server>(new Server(std::move(core)));
}

Status Server::ensure_listening() {
    if (identity_of(core_->socket) == core_->bound) {
        return {};
    }
    log::warn("the socket {} is gone: listening on a new one", core_->socket.string());
    return core_->listen();
}

bool Server::at_rest() const {
    return core_->threads.at_rest() && core_->disk_threads.at_rest();
}

// Requests that run are finished; what waits for podman is told by the backend that the agent ends.
Server::~Server() {
    core_->door.close();
    core_->threads.finish();
    core_->disk_threads.finish();
    core_->writer.close();
    if (identity_of(core_->socket) == core_->bound) {
        ::unlink(core_->socket.c_str());
    }
}

}  // namespace podreeve::api
