#include "agent/api/exchange.h"

#include <algorithm>
#include <cstring>
#include <poll.h>

#include <httplib.h>

#include "agent/api/reply.h"
#include "runtime/base/contained.h"

namespace podreeve::api {
namespace {

constexpr std::chrono::seconds kBodyWithin{2};

// Of the request that this thread answers: the library calls handlers on the thread that called it.
struct Current {
    explicit Current(Exchange& now) : exchange(now) {}

    Exchange& exchange;
    std::string head{};  // of the tail's
};

thread_local Current* current = nullptr;

// What the library reads a request from and writes the response to. Newer releases of it ask for
// more than older ones, so that some of this overrides nothing in those, and nothing here says that
// it does.
class ExchangeStream final : public httplib::Stream {
  public:
    explicit ExchangeStream(Exchange& exchange)
        : exchange_(exchange), end_(clock_.steady_now() + kBodyWithin) {}

    ~ExchangeStream() { exchange_.connection.input.erase(0, used_); }

    ExchangeStream(const ExchangeStream&) = delete;
    ExchangeStream& operator=(const ExchangeStream&) = delete;

    bool is_readable() const { return wait_readable(); }

    bool is_writable() const { return true; }

    bool wait_readable() const {
        return used_ < exchange_.connection.input.size() || wait_for_bytes();
    }

    bool wait_writable() const { return true; }

    ssize_t read(char* to, size_t size) {
        const std::string& input = exchange_.connection.input;
        while (used_ == input.size()) {
            if (!wait_for_bytes() || read_some(exchange_.connection) == Got::End) {
                return -1;
            }
        }
        const std::size_t count = std::min(size, input.size() - used_);
        std::memcpy(to, input.data() + used_, count);
        used_ += count;
        return static_cast<ssize_t>(count);
    }

    ssize_t write(const char* from, size_t size) {
        exchange_.out.append(from, size);
        return static_cast<ssize_t>(size);
    }

    void get_remote_ip_and_port(std::string& /*ip*/, int& /*port*/) const {}

    void get_local_ip_and_port(std::string& /*ip*/, int& /*port*/) const {}

    // Not for the library, which has limits for the number.
    socket_t socket() const { return -1; }

    time_t duration() const { return 0; }

  private:
    bool wait_for_bytes() const {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end_ - clock_.steady_now());
        pollfd polled{exchange_.connection.socket.get(), POLLIN, 0};
        return left.count() > 0 && ::poll(&polled, 1, static_cast<int>(left.count())) > 0;
    }

    Exchange& exchange_;
    const SystemClock clock_;
    const SteadyTime end_;
    std::size_t used_ = 0;  // of the input
};

using Setup = const std::function<void(httplib::Request&)>&;

// As releases of the library have it.
bool process(httplib::Server& server,
             bool (httplib::Server::*as)(httplib::Stream&, bool, bool&, Setup),
             httplib::Stream& stream,
             bool& closed) {
    return (server.*as)(stream, false, closed, [](httplib::Request&) {});
}

template <class... More>
bool process(httplib::Server& server,
             bool (httplib::Server::*as)(httplib::Stream&,
                                         const std::string&,
                                         int,
                                         const std::string&,
                                         int,
                                         bool,
                                         bool&,
                                         Setup,
                                         More...),
             httplib::Stream& stream,
             bool& closed) {
    return (server.*as)(
        stream, "", 0, "", 0, false, closed, [](httplib::Request&) {}, More{}...);
}

}  // namespace

struct Routes::Dispatcher final : httplib::Server {
    bool reply(ExchangeStream& conversation) {
        bool closed = false;
        return process(*this, &Dispatcher::process_request, conversation, closed) && !closed;
    }
};

Routes::Routes() : dispatcher_(std::make_unique<Dispatcher>()) {}

Routes::~Routes() = default;

httplib::Server& Routes::server() {
    return *dispatcher_;
}

void Routes::reply(Exchange& exchange) {
    Current replied(exchange);
    ExchangeStream conversation(exchange);
    current = &replied;
    const std::optional<std::string> thrown =
        contained([&] { exchange.close = !dispatcher_->reply(conversation); });
    current = nullptr;
    if (thrown) {
        log_thrown("answering a request", *thrown);
        exchange.tail.reset();
        exchange.close = true;
        contained_or_logged("answering so", [&] {
            exchange.out = error_text({Code::Internal, "internal error: " + *thrown});
        });
    } else if (exchange.tail) {
        exchange.out = std::move(replied.head);
        exchange.close = true;
    }
}

bool may_ask() {
    return current != nullptr && current->exchange.connection.allowed;
}

void go_on_with(std::string head, std::unique_ptr<Tail> tail) {
    current->head = std::move(head);
    current->exchange.tail = std::move(tail);
}

}  // namespace podreeve::api
