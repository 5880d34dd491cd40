#pragma once

#include <memory>
#include <stop_token>

#include "agent/api/backend.h"

namespace httplib {
class Server;
}

// One file a resource; each adds its routes to the server. The backend outlives the server.
namespace podreeve::api {

class EventTap;

// The board, with changes under way as they stand now.
supervise::Overview overview_now(Backend& backend);

void add_apps(httplib::Server& server, Backend& backend);
void add_changes(httplib::Server& server, Backend& backend);
void add_events(httplib::Server& server, Backend& backend, std::shared_ptr<EventTap> tap);
void add_history(httplib::Server& server, Backend& backend);
void add_passes(httplib::Server& server, Backend& backend);
void add_prune(httplib::Server& server, Backend& backend);
void add_shutdown(httplib::Server& server, Backend& backend);
// stop: the agent ends, and so do all waits.
void add_waits(httplib::Server& server, Backend& backend, std::stop_token stop);
void add_why(httplib::Server& server, Backend& backend);
void add_wishes(httplib::Server& server, Backend& backend);

}  // namespace podreeve::api
