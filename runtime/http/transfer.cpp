#include "runtime/http/transfer.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <exception>
#include <sys/socket.h>
#include <unistd.h>

#include <climits>
#include <fmt/format.h>

#include "runtime/base/contained.h"
#include "runtime/base/log.h"

namespace podreeve::http {
namespace {

using std::chrono::milliseconds;

// What curl's callbacks fill in while a call runs.
struct TransferState {
    const Request* request = nullptr;
    Response response;
    bool headers_complete = false;
    bool sink_ended = false;
    bool sink_threw = false;
    bool too_large = false;
    bool heard = false;  // since the idle timer was last set

    bool body_goes_to_sink() const {
        return request->sink != nullptr && response.status >= 200 && response.status < 300;
    }
};

struct HeaderList {
    curl_slist* list = nullptr;

    HeaderList() = default;
    HeaderList(const HeaderList&) = delete;
    HeaderList& operator=(const HeaderList&) = delete;

    ~HeaderList() { curl_slist_free_all(list); }

    void add(const std::string& line) { list = curl_slist_append(list, line.c_str()); }
};

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

int status_of(std::string_view line) {
    const auto space = line.find(' ');
    int status = 0;
    for (std::size_t i = space + 1; space != std::string_view::npos && i < line.size(); ++i) {
        if (line[i] < '0' || line[i] > '9' || status > 99) {
            break;
        }
        status = status * 10 + (line[i] - '0');
    }
    return status;
}

void take_header(TransferState& progress, std::string_view line) {
    progress.heard = true;
    if (line.starts_with("HTTP/")) {  // also after an interim 1xx
        progress.response = Response{status_of(line), {}, {}};
        progress.headers_complete = false;
        return;
    }
    if (trimmed(line).empty()) {
        progress.headers_complete = progress.response.status >= 200;
        return;
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) {
        return;
    }
    std::string name(trimmed(line.substr(0, colon)));
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    progress.response.headers[std::move(name)] = trimmed(line.substr(colon + 1));
}

bool take_body(TransferState& progress, std::string_view piece) {
    progress.heard = true;
    if (progress.body_goes_to_sink()) {
        progress.sink_ended = !progress.request->sink(piece);
        return !progress.sink_ended;
    }
    progress.too_large = progress.response.body.size() + piece.size() > kMaxBody;
    if (!progress.too_large) {
        progress.response.body.append(piece);
    }
    return !progress.too_large;
}

// A short count ends the transfer; an exception must not pass through curl's C frames.
std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self) {
    auto& progress = *static_cast<TransferState*>(self);
    const std::string_view line(data, size * count);
    progress.sink_threw =
        !contained_or_logged("taking a header", [&] { take_header(progress, line); });
    return progress.sink_threw ? 0 : line.size();
}

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self) {
    auto& progress = *static_cast<TransferState*>(self);
    const std::string_view piece(data, size * count);
    bool taken = false;
    progress.sink_threw =
        !contained_or_logged("taking a reply", [&] { taken = take_body(progress, piece); });
    return taken ? piece.size() : 0;
}

long to_ms(Duration duration) {
    const auto ms = std::chrono::ceil<milliseconds>(duration).count();
    return static_cast<long>(std::clamp<std::int64_t>(ms, 0, INT_MAX));
}

bool is_safe(const std::string& method) {
    return method == "GET" || method == "HEAD";
}

template <class Value>
void set(CURL* easy, CURLoption option, Value value) {
    curl_easy_setopt(easy, option, value);
}

void set_method(CURL* easy, const Request& request, HeaderList& headers) {
    if (request.method == "HEAD") {
        set(easy, CURLOPT_NOBODY, 1L);
    } else if (request.method != "GET") {
        set(easy, CURLOPT_POST, 1L);
        set(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
        set(easy, CURLOPT_POSTFIELDS, request.body.data());
        set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
        headers.add("Expect:");  // curl would wait a second for a 100 that podman need not send
        headers.add(request.content_type.empty() ? "Content-Type:"
                                                 : "Content-Type: " + request.content_type);
    }
    for (const auto& [name, value] : request.headers) {
        headers.add(name + ": " + value);
    }
    set(easy, CURLOPT_HTTPHEADER, headers.list);
}

void set_transport(CURL* easy, const std::string& socket_path, const Request& request) {
    set(easy, CURLOPT_NOSIGNAL, 1L);
    set(easy, CURLOPT_NOPROGRESS, 1L);
    set(easy, CURLOPT_PROXY, "");  // the environment's proxy is for the network, not for a socket
    set(easy, CURLOPT_UNIX_SOCKET_PATH, socket_path.c_str());
    set(easy, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
    set(easy, CURLOPT_PATH_AS_IS, 1L);
    set(easy, CURLOPT_BUFFERSIZE, 64L * 1024);
    set(easy, CURLOPT_TIMEOUT_MS, to_ms(request.timeout));
    set(easy, CURLOPT_CONNECTTIMEOUT_MS, to_ms(request.connect_timeout));
    // When a kept connection turns out dead before the first byte of the reply, curl sends the
    // request again on a new one, whatever its method, though the first may have been carried out.
    // Only a request that changes nothing may have that: every other one gets a connection of its
    // own.
    set(easy, CURLOPT_FRESH_CONNECT, is_safe(request.method) ? 0L : 1L);
}

void set_callbacks(CURL* easy, TransferState& progress) {
    set(easy, CURLOPT_HEADERFUNCTION, &on_header);
    set(easy, CURLOPT_HEADERDATA, static_cast<void*>(&progress));
    set(easy, CURLOPT_WRITEFUNCTION, &on_body);
    set(easy, CURLOPT_WRITEDATA, static_cast<void*>(&progress));
}

enum class TransferEnd { Done, Stopped, Idle };

// Turns the transfer until it ends. It sleeps in poll for as long as curl allows: a stream that
// says nothing costs no wake-up, and a stop wakes the poll at once.
TransferEnd turn(CURLM* multi, const Request& request, TransferState& progress) {
    const std::stop_callback wake(request.stop, [multi] { curl_multi_wakeup(multi); });
    const SystemClock clock;
    SteadyTime idle_since = clock.steady_now();
    for (int running = 1;;) {
        curl_multi_perform(multi, &running);
        if (running == 0) {
            return TransferEnd::Done;
        }
        if (request.stop.stop_requested()) {
            return TransferEnd::Stopped;
        }
        Duration wait = std::chrono::hours(1);
        if (request.idle_timeout > Duration::zero()) {
            const SteadyTime now = clock.steady_now();
            idle_since = std::exchange(progress.heard, false) ? now : idle_since;
            wait = idle_since + request.idle_timeout - now;
            if (wait <= Duration::zero()) {
                return TransferEnd::Idle;
            }
        }
        curl_multi_poll(multi, nullptr, 0, static_cast<int>(to_ms(wait)), nullptr);
    }
}

CURLcode result_of(CURLM* multi) {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
        if (message->msg == CURLMSG_DONE) {
            return message->data.result;
        }
    }
    return CURLE_GOT_NOTHING;
}

std::string name_of(const Request& request) {
    return request.method + " " + request.target.substr(0, request.target.find('?'));
}

Error broken(CURL* easy, CURLcode code, const std::string& socket_path, const Request& request) {
    if (code == CURLE_OPERATION_TIMEDOUT) {
        return {Code::Timeout,
                fmt::format("cannot finish {} in {}: {} does not answer", name_of(request),
                            to_short_text(request.timeout), socket_path)};
    }
    if (code == CURLE_COULDNT_CONNECT) {
        long error_number = 0;
        curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &error_number);
        return {Code::Unavailable,
                fmt::format("cannot connect to {}: {}", socket_path,
                            error_number == 0 ? "connection refused"
                                              : std::strerror(static_cast<int>(error_number)))};
    }
    return {Code::Unavailable, fmt::format("cannot finish {}: {} broke off: {}", name_of(request),
                                           socket_path, curl_easy_strerror(code))};
}

Result<Response> outcome(CURL* easy,
                         CURLcode code,
                         const std::string& socket_path,
                         const Request& request,
                         TransferState& progress) {
    if (progress.sink_ended) {
        return fail(Code::Cancelled,
                    fmt::format("cannot finish {}: its reader ended it", name_of(request)));
    }
    if (progress.sink_threw) {
        return fail(Code::Internal, fmt::format("cannot take the reply of {}", name_of(request)));
    }
    if (progress.too_large) {
        return fail(Code::Corrupt, fmt::format("cannot take the reply of {}: larger than {} MiB",
                                               name_of(request), kMaxBody >> 20U));
    }
    // curl takes a connection that ends in the middle of the headers for an empty reply.
    if (code == CURLE_OK && !progress.headers_complete) {
        code = CURLE_GOT_NOTHING;
    }
    if (code != CURLE_OK) {
        return broken(easy, code, socket_path, request);
    }
    return std::move(progress.response);
}

}  // namespace

// Of a socket that systemd listens on for podman, it is systemd's user. One that is not connected
// yet is nobody's.
bool Handle::Peer::is_trusted() {
    for (const int fd : open) {
        ucred peer{};
        socklen_t size = sizeof peer;
        if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
            refused = fmt::format("its owner is unknown: {}", std::strerror(errno));
        } else if (peer.pid != 0 && peer.uid != *owner && peer.uid != 0) {
            refused = fmt::format("user {} serves it, and not user {} or root", peer.uid, *owner);
        }
    }
    return refused.empty();
}

// curl connects by itself, and does not say which of its connections a request goes over: so all
// that are open are asked about before each.
curl_socket_t Handle::open_socket(void* self, curlsocktype, curl_sockaddr* address) {
    const int fd = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd >= 0) {
        static_cast<Peer*>(self)->open.insert(fd);
    }
    return fd;
}

int Handle::close_socket(void* self, curl_socket_t fd) {
    static_cast<Peer*>(self)->open.erase(fd);
    return ::close(fd);
}

int Handle::before_request(void* self, char*, char*, int, int) {
    return static_cast<Peer*>(self)->is_trusted() ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

Handle::Handle(std::optional<uid_t> owner)
    : peer_{owner, {}, ""}, easy_(curl_easy_init()), multi_(curl_multi_init()) {
    // One handle speaks to one socket: a second connection would only be kept open for nothing.
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, 1L);
}

Handle::~Handle() {
    curl_easy_cleanup(easy_);
    curl_multi_cleanup(multi_);
}

Result<Response> Handle::perform(const std::string& socket_path, const Request& request) {
    if (easy_ == nullptr || multi_ == nullptr) {
        return fail(Code::Internal, "cannot set up an HTTP client: out of memory");
    }
    TransferState progress;
    progress.request = &request;
    HeaderList headers;
    const std::string url = "http://podman" + request.target;
    curl_easy_reset(easy_);
    set(easy_, CURLOPT_URL, url.c_str());
    set_method(easy_, request, headers);
    set_transport(easy_, socket_path, request);
    set_callbacks(easy_, progress);
    peer_.refused.clear();
    if (peer_.owner) {
        set(easy_, CURLOPT_OPENSOCKETFUNCTION, &Handle::open_socket);
        set(easy_, CURLOPT_OPENSOCKETDATA, static_cast<void*>(&peer_));
        set(easy_, CURLOPT_CLOSESOCKETFUNCTION, &Handle::close_socket);
        set(easy_, CURLOPT_CLOSESOCKETDATA, static_cast<void*>(&peer_));
        set(easy_, CURLOPT_PREREQFUNCTION, &Handle::before_request);
        set(easy_, CURLOPT_PREREQDATA, static_cast<void*>(&peer_));
    }
    curl_multi_add_handle(multi_, easy_);
    const TransferEnd ended = turn(multi_, request, progress);
    const CURLcode code = result_of(multi_);
    curl_multi_remove_handle(multi_, easy_);  // closes the connection of a call cut short
    if (!peer_.refused.empty()) {
        return fail(Code::Denied, fmt::format("cannot use {}: {}", socket_path, peer_.refused));
    }
    if (ended == TransferEnd::Stopped) {
        return fail(Code::Cancelled, fmt::format("cannot finish {}: cancelled", name_of(request)));
    }
    if (ended == TransferEnd::Idle) {
        return fail(Code::Timeout,
                    fmt::format("cannot go on with {}: silent for {}", name_of(request),
                                to_short_text(request.idle_timeout)));
    }
    return outcome(easy_, code, socket_path, request, progress);
}

}  // namespace podreeve::http
