#pragma once

#include <memory>

#include "agent/api/backend.h"

namespace httplib {
class Server;
}

// One file a resource; each adds its routes to the server. The backend outlives the server.
namespace podreeve::api {

class Turnstile;
class Wake;

// That so many may wait for podman at once; each holds a thread meanwhile.
inline constexpr unsigned kMostLongCalls = 16;

// All of them, and what holds for every request. wake: of the writer that waits are left to.
void add_resources(httplib::Server& http, Backend& backend, const std::shared_ptr<Wake>& wake);

// The board, with changes under way as they stand now.
supervise::Overview overview_now(Backend& backend);
// Of the overview, by an app's name; or by a file's path, name or stem, where the file names no
// app. Null when there is none.
const supervise::AppStatus* find_shown(const supervise::Overview& overview,
                                       const std::string& name);

// Whether anything is known of it, also of one that was removed, as long as its events are kept.
bool is_known(const Backend& backend, const std::string& app);

void add_apps(httplib::Server& server, Backend& backend);
void add_changes(httplib::Server& server, Backend& backend);
void add_events(httplib::Server& server, Backend& backend);
void add_history(httplib::Server& server, Backend& backend);
// long_calls: who waits for podman holds a thread meanwhile.
void add_passes(httplib::Server& server, Backend& backend, std::shared_ptr<Turnstile> long_calls);
void add_prune(httplib::Server& server, Backend& backend);
void add_shutdown(httplib::Server& server, Backend& backend);
// wake: of the writer that the waits are left to.
void add_waits(httplib::Server& server, Backend& backend, std::shared_ptr<Wake> wake);
void add_why(httplib::Server& server, Backend& backend);
void add_app_requests(httplib::Server& server, Backend& backend);

}  // namespace podreeve::api
