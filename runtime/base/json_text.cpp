#include "runtime/base/json_text.h"

#include <limits>

namespace podreeve {
namespace {

using Json = nlohmann::json;

std::string dump(const Json& value, int indent) {
    return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string json_text(const Json& value) {
    return dump(value, -1);
}

std::string indented_json_text(const Json& value) {
    return dump(value, 2);
}

Json json_object_from(std::string_view text) {
    Json parsed = Json::parse(text, nullptr, false);
    return parsed.is_object() ? parsed : Json::object();
}

const Json& child_in(const Json& object, const char* key) {
    static const Json kNull;
    if (!object.is_object()) {
        return kNull;
    }
    const auto found = object.find(key);
    return found == object.end() ? kNull : *found;
}

std::string text_of(const Json& value) {
    return value.is_string() ? value.get_ref<const std::string&>() : std::string();
}

std::string text_in(const Json& object, const char* key, std::string_view fallback) {
    const Json& value = child_in(object, key);
    return value.is_string() ? value.get_ref<const std::string&>() : std::string(fallback);
}

std::int64_t number_in(const Json& object, const char* key, std::int64_t fallback) {
    const Json& value = child_in(object, key);
    if (value.is_number_unsigned()) {
        const auto number = value.get<std::uint64_t>();
        return number <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())
                   ? static_cast<std::int64_t>(number)
                   : fallback;
    }
    return value.is_number_integer() ? value.get<std::int64_t>() : fallback;
}

bool flag_in(const Json& object, const char* key, bool fallback) {
    const Json& value = child_in(object, key);
    return value.is_boolean() ? value.get<bool>() : fallback;
}

}  // namespace podreeve
