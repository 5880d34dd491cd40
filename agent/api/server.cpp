#include "agent/api/server.h"

#include <atomic>
#include <cerrno>
#include <functional>
#include <sys/socket.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <httplib.h>

#include "agent/api/event_tap.h"
#include "agent/api/peer.h"
#include "agent/api/place.h"
#include "agent/api/reply.h"
#include "agent/api/resources.h"
#include "runtime/base/contained.h"
#include "runtime/base/log.h"

namespace podreeve::api {
namespace {

constexpr unsigned kThreads = 8;
constexpr unsigned kMostStreams = 5;
constexpr std::size_t kMostBody = 1 << 20;
constexpr int kAnyPort = 80;      // means nothing on a Unix socket, but must not be 0
constexpr int kMostWaiting = 64;  // for one of the threads
// The agent's end waits for whoever has connected and says nothing.
constexpr time_t kSilentSeconds = 1;

// Which file stands at a path; that of none is (0, 0).
using Identity = std::pair<dev_t, ino_t>;

Identity identity_of(const std::filesystem::path& path) {
    struct stat info {};

    return ::lstat(path.c_str(), &info) == 0 ? Identity(info.st_dev, info.st_ino) : Identity();
}

// cpp-httplib contains what a handler throws, but not what answering does afterwards: streams, and
// the handlers of errors and exceptions themselves.
class ContainedPool final : public httplib::TaskQueue {
  public:
    explicit ContainedPool(std::size_t threads) : pool_(threads) {}

    // Nothing in older releases of it, whether there was room in newer ones.
    using Enqueued = decltype(std::declval<httplib::TaskQueue&>().enqueue(nullptr));

    Enqueued enqueue(std::function<void()> fn) override {
        return pool_.enqueue(
            [fn = std::move(fn)] { contained_or_logged("answering a request", fn); });
    }

    void shutdown() override { pool_.shutdown(); }

  private:
    httplib::ThreadPool pool_;
};

// One socket that is listened on, and the thread that does. cpp-httplib has one socket a server.
struct Listener {
    httplib::Server http;
    std::thread thread;
    std::atomic<bool> over = false;  // it listens no more

    bool stopped = false;

    // cpp-httplib takes only one stop.
    void stop() {
        if (thread.joinable() && !std::exchange(stopped, true)) {
            http.stop();
        }
    }

    ~Listener() {
        stop();
        if (thread.joinable()) {
            thread.join();
        }
    }
};

}  // namespace

struct Server::Core {
    explicit Core(Backend given) : backend(std::move(given)) {}

    Backend backend;
    std::shared_ptr<EventTap> tap = std::make_shared<EventTap>(kMostStreams);
    std::filesystem::path socket;
    Identity bound;  // the socket as it was made
    std::stop_source stop;
    std::unique_ptr<Listener> listener;
    // Their sockets were removed; they end what they had begun. Joined at the end, since a request
    // may wait for the very thread that notices the loss.
    std::vector<std::unique_ptr<Listener>> retired;

    void add_routes(httplib::Server& http);
    Status listen();
};

void Server::Core::add_routes(httplib::Server& http) {
    http.new_task_queue = [] { return new ContainedPool(kThreads); };
    http.set_address_family(AF_UNIX);
    http.set_payload_max_length(kMostBody);
    http.set_keep_alive_timeout(kSilentSeconds);
    http.set_read_timeout(kSilentSeconds);
    http.set_pre_routing_handler([](const httplib::Request& request, httplib::Response& response) {
        if (!request.has_header("Content-Length") && !request.has_header("Transfer-Encoding")) {
            // By RFC 9112 there is no body then (`curl -X POST`); cpp-httplib would wait for the
            // end of the connection. The request is its own and not const.
            const_cast<httplib::Request&>(request).set_header("Content-Length", "0");
        }
        // On a Unix socket cpp-httplib gives the peer's pid (SO_PEERCRED) as its port.
        if (may_connect(request.remote_port, ::geteuid())) {
            return httplib::Server::HandlerResponse::Unhandled;
        }
        send_error(response, {Code::Denied, "cannot serve another user than the agent's own"});
        return httplib::Server::HandlerResponse::Handled;
    });
    http.set_exception_handler(
        [](const httplib::Request& request, httplib::Response& response, std::exception_ptr) {
            send_error(response,
                       {Code::Internal, "internal error: a handler of " + request.path + " threw"});
        });
    http.set_error_handler([](const httplib::Request& request, httplib::Response& response) {
        if (response.body.empty()) {
            send_error(response, {response.status == 404 ? Code::NotFound : Code::InvalidArgument,
                                  fmt::format("cannot serve {} {}", request.method, request.path)});
        }
    });
    add_changes(http, backend);
    add_events(http, backend, tap);
    add_history(http, backend);
    add_passes(http, backend);
    add_prune(http, backend);
    add_shutdown(http, backend);
    add_waits(http, backend, stop.get_token());
    add_why(http, backend);
    add_wishes(http, backend);
    add_apps(http, backend);  // last: an app may be asked for by the path of its file
}

Status Server::Core::listen() {
    RETURN_IF_ERROR(make_place(socket));
    auto fresh = std::make_unique<Listener>();
    add_routes(fresh->http);
    int fd = -1;
    // The socket has the mode of its descriptor from the moment it is there.
    fresh->http.set_socket_options([&fd](socket_t opened) {
        fd = opened;
        ::fchmod(opened, 0600);
    });
    // cpp-httplib lets five wait to be accepted; a sixth is refused on a Unix socket.
    if (!fresh->http.bind_to_port(socket.string(), kAnyPort) || ::listen(fd, kMostWaiting) != 0) {
        return errno_error(fmt::format("listen on {}", socket.string()), errno);
    }
    if (::chmod(socket.c_str(), 0600) != 0) {
        return errno_error(fmt::format("protect {}", socket.string()), errno);
    }
    bound = identity_of(socket);
    fresh->thread = std::thread([raw = fresh.get()] {
        contained_or_logged("listening", [raw] { raw->http.listen_after_bind(); });
        raw->over = true;
    });
    // stop() before the thread has come to listen would be lost.
    while (!fresh->http.is_running() && !fresh->over) {
        std::this_thread::yield();
    }
    if (listener) {
        listener->stop();
        retired.push_back(std::move(listener));
    }
    listener = std::move(fresh);
    return {};
}

Server::Server(std::unique_ptr<Core> core) : core_(std::move(core)) {}

Result<std::unique_ptr<Server>> Server::create(const std::filesystem::path& socket,
                                               Backend backend) {
    auto core = std::make_unique<Core>(std::move(backend));
    core->socket = socket;
    RETURN_IF_ERROR(core->listen());
    core->backend.state.on_event(
        [shared = core->tap](const state::Event& event) { shared->tell(event.seq); });
    return std::unique_ptr<Server>(new Server(std::move(core)));
}

Status Server::ensure_listening() {
    if (identity_of(core_->socket) == core_->bound) {
        return {};
    }
    log::warn("the socket {} is gone: listening on a new one", core_->socket.string());
    return core_->listen();
}

Server::~Server() {
    core_->stop.request_stop();
    core_->tap->close();
    const bool still_ours = identity_of(core_->socket) == core_->bound;
    core_->listener.reset();
    core_->retired.clear();
    if (still_ours) {
        ::unlink(core_->socket.c_str());
    }
}

}  // namespace podreeve::api
