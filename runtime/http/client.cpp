#include "runtime/http/client.h"

#include <mutex>
#include <vector>

#include <curl/curl.h>
#include <fmt/format.h>

#include "runtime/base/mutex.h"
#include "runtime/http/transfer.h"

namespace podreeve::http {
namespace {

constexpr int kServerErrors = 500;

void set_up_curl_once() {
    static std::once_flag once;
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_NOTHING); });  // a socket needs no TLS
}

}  // namespace

// Handles at rest, the one used last on top: its connection is the likeliest to be still open.
struct HttpClient::Pool {
    Pool(std::string path, std::size_t keep_handles, std::optional<uid_t> whose)
        : socket_path(std::move(path)), keep(keep_handles), owner(whose) {}

    const std::string socket_path;
    const std::size_t keep;
    const std::optional<uid_t> owner;
    Guarded<std::vector<std::unique_ptr<Handle>>> resting;

    std::unique_ptr<Handle> take() {
        auto handles = resting.lock();
        if (handles->empty()) {
            return nullptr;
        }
        auto handle = std::move(handles->back());
        handles->pop_back();
        return handle;
    }

    void give_back(std::unique_ptr<Handle> handle) {
        auto handles = resting.lock();
        if (handles->size() < keep) {
            handles->push_back(std::move(handle));
        }
    }
};

HttpClient::HttpClient(std::string socket_path, unsigned keep_handles, std::optional<uid_t> owner) {
    set_up_curl_once();
    pool_ = std::make_unique<Pool>(std::move(socket_path), keep_handles, owner);
}

HttpClient::~HttpClient() = default;

Result<Response> HttpClient::call(const Request& request) {
    if (request.stop.stop_requested()) {
        return fail(Code::Cancelled, fmt::format("cannot begin {}: cancelled", request.method));
    }
    auto handle = pool_->take();
    if (handle == nullptr) {
        handle = std::make_unique<Handle>(pool_->owner);
    }
    auto result = handle->perform(pool_->socket_path, request);
    // A server that fails may be one that is going, or whose socket another has taken over since:
    // the next call must not come to the same one by a connection kept from before.
    if (result && result->status < kServerErrors) {
        pool_->give_back(std::move(handle));
    }
    return result;
}

const std::string& HttpClient::socket_path() const {
    return pool_->socket_path;
}

}  // namespace podreeve::http
