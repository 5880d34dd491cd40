#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "runtime/base/clock.h"
#include "runtime/base/json_text.h"
#include "runtime/base/result.h"

// Tolerant reading of podman's JSON, beside what runtime/base/json_text.h has: a field that is
// missing, null or of another type reads as empty, since every version of podman leaves out, adds
// and retypes some. Nothing here throws. For the sources of this room only.
namespace podreeve::podman {

using Json = nlohmann::json;

// Corrupt when body is not one JSON value. what names the reply: "the list of containers".
Result<Json> parse_json(std::string_view body, std::string_view what);

std::vector<std::string> texts_in(const Json& object, const char* key);
std::map<std::string, std::string> text_map_in(const Json& object, const char* key);

// Podman writes year 1 for "never", which no nanosecond count can hold.
std::optional<WallTime> time_from_text(const std::string& text);
std::optional<WallTime> time_from_seconds(std::int64_t seconds);

}  // namespace podreeve::podman
