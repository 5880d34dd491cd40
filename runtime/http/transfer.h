#pragma once

#include <optional>
#include <set>
#include <string>
#include <sys/types.h>

#include <curl/curl.h>

#include "runtime/base/clock.h"
#include "runtime/http/client.h"

namespace podreeve::http {

// One curl handle and the one connection that it keeps. Belongs to one call at a time.
class Handle {
  public:
    explicit Handle(std::optional<uid_t> owner);
    ~Handle();
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;

    Result<Response> perform(const std::string& socket_path, const Request& request);

  private:
    // Who may serve the socket, and what is open to it.
    struct Peer {
        std::optional<uid_t> owner;  // beside root; nothing: anybody
        std::set<int> open;
        std::string refused;  // why nothing was said

        bool is_trusted();
    };

    static curl_socket_t open_socket(void* self, curlsocktype purpose, curl_sockaddr* address);
    static int close_socket(void* self, curl_socket_t fd);
    static int before_request(void* self, char*, char*, int, int);

    Peer peer_;
    CURL* easy_;
    CURLM* multi_;
};

}  // namespace podreeve::http
