#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "runtime/base/json_text.h"

// The one way to turn JSON into text, and the one to read a field of JSON that came from a disk or
// another process. Neither throws: the library's own dump() does for a text that is not UTF-8, and
// its value() and get() for a field of another type, and that would be the end of the agent.
namespace podreeve {

// On one line, as it is stored, sent and hashed: for valid UTF-8 the library's bytes. What is no
// UTF-8 becomes U+FFFD.
std::string json_text(const nlohmann::json& value);
// For people, two spaces a level.
std::string indented_json_text(const nlohmann::json& value);

// The object that text is, or an empty one.
nlohmann::json json_object_from(std::string_view text);

// A member that is missing or of another type reads as the fallback, and so does every member of
// what is no object.
const nlohmann::json& child_in(const nlohmann::json& object, const char* key);  // or null
std::string text_of(const nlohmann::json& value);
std::string text_in(const nlohmann::json& object, const char* key, std::string_view fallback = {});
std::int64_t number_in(const nlohmann::json& object, const char* key, std::int64_t fallback = 0);
bool flag_in(const nlohmann::json& object, const char* key, bool fallback = false);

}  // namespace podreeve
