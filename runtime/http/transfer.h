#pragma once

#include <string>

#include <curl/curl.h>

#include "runtime/base/clock.h"
#include "runtime/http/client.h"

namespace podreeve::http {

// A body that is kept in memory may not be larger.
inline constexpr std::size_t kMaxBody = std::size_t{64} << 20U;

// One curl handle and the one connection that it keeps. Belongs to one call at a time.
class Handle {
  public:
    Handle();
    ~Handle();
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;

    Result<Response> perform(const std::string& socket_path, const Request& request);

  private:
    CURL* easy_;
    CURLM* multi_;
};

}  // namespace podreeve::http
