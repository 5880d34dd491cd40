#pragma once

#include <memory>
#include <string>

#include "agent/api/connection.h"
#include "agent/api/tail.h"

namespace httplib {
class Server;
}

namespace podreeve::api {

// One request and what is said in answer to it.
struct Exchange {
    Connection& connection;
    std::string out{};             // to send
    bool close = true;             // nothing more is asked on this connection
    std::unique_ptr<Tail> tail{};  // goes on where out ends
};

// Reads the request from the connection, waiting for its body for a moment, and has the routes
// answer it. Any thread; it does not send.
class Routes {
  public:
    Routes();
    ~Routes();

    httplib::Server& server();
    void reply(Exchange& exchange);

  private:
    struct Dispatcher;
    std::unique_ptr<Dispatcher> dispatcher_;
};

// For the handlers of routes, which the library gives no connection.
//
// Whether the one who asks may.
bool may_ask();
// Instead of a response: the head, and from then on what the tail says.
void go_on_with(std::string head, std::unique_ptr<Tail> tail);

}  // namespace podreeve::api
