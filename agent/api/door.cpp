#include "agent/api/door.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/api/peer.h"
#include "runtime/base/log.h"
#include "runtime/base/thread.h"

namespace podreeve::api {
namespace {

constexpr int kAcceptedInARow = 16;

bool is_shortage(int error) {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

bool has_head(const std::string& input) {
    return input.find("\r\n\r\n") != std::string::npos || input.find("\n\n") != std::string::npos;
}

}  // namespace

Door::Door(Serve serve, Limits limits)
    : serve_([given = std::move(serve)](std::unique_ptr<Connection> connection) {
          contained_or_logged("taking a request", [&] { given(std::move(connection)); });
      }),
      limits_(limits),
      thread_(begin_thread("the API's door", [this] {
          // No memory, say. Those that were held meanwhile are let go.
          while (!contained_or_logged("the API's door", [this] { run(); })) {
          }
      })) {}

Door::~Door() {
    close();
}

void Door::close() {
    {
        const std::lock_guard lock(mutex_);
        closing_ = true;
    }
    wake_.notify();
    if (thread_.joinable()) {
        thread_.join();
    }
}

void Door::listen_on(UniqueFd socket) {
    {
        const std::lock_guard lock(mutex_);
        next_listening_ = std::move(socket);
    }
    wake_.notify();
}

void Door::take_back(std::unique_ptr<Connection> connection) {
    {
        const std::lock_guard lock(mutex_);
        if (!closing_) {
            returned_.push_back(std::move(connection));
        }
    }
    wake_.notify();
}

// False: it closes. What is told after the taking of the wake ends the next poll.
bool Door::take_inbox() {
    wake_.take();
    std::vector<std::unique_ptr<Connection>> returned;
    {
        const std::lock_guard lock(mutex_);
        if (closing_) {
            return false;
        }
        if (next_listening_) {
            listening_ = std::move(next_listening_);
            accept_again_ = {};
        }
        returned.swap(returned_);
    }
    for (auto& connection : returned) {
        add(std::move(connection));
    }
    return true;
}

// It may have sent its next request already.
void Door::add(std::unique_ptr<Connection> connection) {
    connection->since = clock_.steady_now();
    if (has_head(connection->input)) {
        serve_(std::move(connection));
        return;
    }
    silent_.push_back(std::move(connection));
    if (silent_.size() > limits_.most_silent) {
        silent_.erase(silent_.begin());
    }
}

void Door::run() {
    while (true) {
        const bool accepts = listening_ && clock_.steady_now() >= accept_again_;
        std::vector<pollfd> polled{{wake_.fd(), POLLIN, 0},
                                   {accepts ? listening_.get() : -1, POLLIN, 0}};
        for (const auto& connection : silent_) {
            polled.push_back({connection->socket.get(), POLLIN, 0});
        }
        ::poll(polled.data(), polled.size(), longest_poll());
        std::vector<int> readable;
        for (std::size_t i = 2; i < polled.size(); ++i) {
            if (polled[i].revents != 0) {
                readable.push_back(polled[i].fd);
            }
        }
        look_at(readable);
        drop_silent();
        if (!take_inbox()) {
            break;
        }
        if (polled[1].revents != 0) {
            accept_some();
        }
    }
    listening_.reset();
    silent_.clear();
}

int Door::longest_poll() const {
    const SteadyTime now = clock_.steady_now();
    SteadyTime next = SteadyTime::max();
    if (!silent_.empty()) {
        next = silent_.front()->since + limits_.longest_silence;
    }
    if (accept_again_ > now) {
        next = std::min(next, accept_again_);
    }
    if (next == SteadyTime::max()) {
        return -1;
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - now).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

void Door::look_at(const std::vector<int>& readable) {
    std::vector<std::unique_ptr<Connection>> held;
    held.swap(silent_);
    for (auto& connection : held) {
        if (std::ranges::find(readable, connection->socket.get()) == readable.end()) {
            silent_.push_back(std::move(connection));
            continue;
        }
        if (read_some(*connection) == Got::End) {
            continue;  // gone, or it said all it had to and waits for nothing
        }
        if (has_head(connection->input) || connection->input.size() > limits_.longest_head) {
            serve_(std::move(connection));
        } else {
            silent_.push_back(std::move(connection));
        }
    }
}

// A request that comes byte by byte has no longer than the silence has.
void Door::drop_silent() {
    const SteadyTime before = clock_.steady_now() - limits_.longest_silence;
    std::erase_if(silent_, [&](const auto& connection) { return connection->since <= before; });
}

void Door::accept_some() {
    for (int i = 0; i < kAcceptedInARow && accept_one(); ++i) {
    }
}

bool Door::accept_one() {
    UniqueFd socket(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket) {
        const int error = errno;
        if (is_shortage(error)) {
            out_of_descriptors(error);
        }
        return error == ECONNABORTED || error == EINTR;
    }
    complained_ = false;
    auto connection = std::make_unique<Connection>();
    connection->allowed = may_connect(uid_of_peer(socket.get()), ::geteuid());
    connection->socket = std::move(socket);
    add(std::move(connection));
    return true;
}

// The listening socket stays readable: to poll it on would be a busy loop. Who is silent makes
// room first.
void Door::out_of_descriptors(int error) {
    if (!complained_) {
        log::warn("cannot accept a connection to the API: {}; trying again", std::strerror(error));
        complained_ = true;
    }
    if (!silent_.empty()) {
        silent_.erase(silent_.begin());
    }
    accept_again_ = clock_.steady_now() + limits_.pause;
}

}  // namespace podreeve::api
