#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "runtime/base/result.h"

namespace httplib {
struct Request;
struct Response;
}  // namespace httplib

// How every resource answers: JSON, and for an error {"error": {"code", "message"}} with the code's
// status; what is only unavailable now says when to ask again.
namespace podreeve::api {

void send_json(httplib::Response& response, const nlohmann::json& body, int status = 200);
void send_error(httplib::Response& response, const Error& error);

// The same as bytes, for what is answered without the library; the connection ends with it.
std::string response_text(const nlohmann::json& body, int status = 200);
std::string error_text(const Error& error);

// For a name that no app has and had.
Error unknown_app(const std::string& name);

// The number in a query parameter or path segment; missing: fallback. InvalidArgument otherwise.
Result<std::int64_t> number_param(const httplib::Request& request,
                                  const char* name,
                                  std::int64_t fallback);
Result<std::int64_t> parse_number(const std::string& text, const char* what);

}  // namespace podreeve::api
