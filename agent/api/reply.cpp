#include "agent/api/reply.h"

#include <charconv>

#include <fmt/format.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include "runtime/base/json_text.h"

namespace podreeve::api {
namespace {

constexpr int kUnavailable = 503;
constexpr const char* kRetryAfter = "5";  // seconds

nlohmann::json error_json(const Error& error) {
    return {{"error", {{"code", to_string(error.code)}, {"message", error.message}}}};
}

}  // namespace

void send_json(httplib::Response& response, const nlohmann::json& body, int status) {
    response.status = status;
    // Texts come from podman and from files: what is not UTF-8 in them must not throw here.
    response.set_content(json_text(body) + "\n", "application/json");
}

void send_error(httplib::Response& response, const Error& error) {
    const int status = traits(error.code).http_status;
    if (status == kUnavailable) {
        response.set_header("Retry-After", kRetryAfter);
    }
    send_json(response, error_json(error), status);
}

std::string response_text(const nlohmann::json& body, int status) {
    const std::string text = json_text(body) + "\n";
    return fmt::format(
        "HTTP/1.1 {} \r\nContent-Type: application/json\r\nContent-Length: {}\r\n{}"
        "Connection: close\r\n\r\n{}",
        status, text.size(),
        status == kUnavailable ? fmt::format("Retry-After: {}\r\n", kRetryAfter) : "", text);
}

std::string error_text(const Error& error) {
    return response_text(error_json(error), traits(error.code).http_status);
}

Error unknown_app(const std::string& name) {
    return {
        Code::NotFound,
        fmt::format("cannot find app {}: no manifest declares it; `podreeve status` lists the apps",
                    name)};
}

Result<std::int64_t> parse_number(const std::string& text, const char* what) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number < 0) {
        return fail(Code::InvalidArgument,
                    fmt::format("cannot read {} '{}': a whole number is wanted", what, text));
    }
    return number;
}

Result<std::int64_t> number_param(const httplib::Request& request,
                                  const char* name,
                                  std::int64_t fallback) {
    if (!request.has_param(name)) {
        return fallback;
    }
    return parse_number(request.get_param_value(name), name);
}

}  // namespace podreeve::api
