#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/mutex.h"
#include "runtime/base/result.h"
#include "runtime/http/client.h"
#include "runtime/podman/client.h"

namespace podreeve::podman {

// One call of libpod.
struct LibpodCall {
    std::string what;  // completes "cannot …" in an error: "start container web"
    std::string method = "GET";
    std::string path{};  // behind /libpod, with the query, encoded
    std::string body{};
    std::string content_type = "application/json";
    std::vector<std::string> secrets{};  // blotted out of whatever podman says
    std::function<bool(std::string_view)> sink{};
    bool endless = false;  // a stream: the call's timeout does not apply
};

// The socket and the version that was found behind it. Any thread may call.
class Session {
  public:
    // owner: who, beside root, may serve the socket.
    Session(std::string socket_path, uid_t owner) : http_(std::move(socket_path), 4, owner) {}

    Result<Version> version(const CallOptions& call);
    // A 2xx or 304 reply; anything else is an Error.
    Result<http::Response> call(const LibpodCall& ask, const CallOptions& call);
    // The reply to a question for a list. One that is too large to be kept is asked for again, and
    // cut as it comes (ListCutter), and so are those after it until they are half as large.
    Result<std::string> list(LibpodCall ask, const CallOptions& call);
    // As call, but a 409 that lists what its containers said is a reply too.
    Result<http::Response> call_pod(const LibpodCall& ask, const CallOptions& call);

  private:
    Result<Version> ping(const CallOptions& call);
    Result<std::string> cut_list(LibpodCall ask, const CallOptions& call);
    Result<http::Response> send(const LibpodCall& ask,
                                const CallOptions& call);  // whatever its status

    http::HttpClient http_;
    Guarded<std::optional<Version>> version_;
    Guarded<std::set<std::string>> large_;  // the lists, by path
};

// What Client hides.
struct Client::Wire {
    Wire(std::string socket_path, uid_t owner) : session(std::move(socket_path), owner) {}

    Session session;
};

}  // namespace podreeve::podman
