#include "runtime/base/json_text.h"

#include <limits>

namespace podreeve {
namespace {

std::string dump(const nlohmann::json& value, int indent) {
    return value.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::string json_text(const nlohmann::json& value) {
    return dump(value, -1);
}

std::string indented_json_text(const nlohmann::json& value) {
    return dump(value, 2);
}

nlohmann::json json_object_from(std::string_view text) {
    nlohmann::json parsed = nlohmann::json::parse(text, nullptr, false);
    return parsed.is_object() ? parsed : nlohmann::json::object();
}

const nlohmann::json& child_in(const nlohmann::json& object, const char* key) {
    static const nlohmann::json kNull;
    if (!object.is_object()) {
        return kNull;
    }
    const auto found = object.find(key);
    return found == object.end() ? kNull : *found;
}

std::string text_of(const nlohmann::json& value) {
    return value.is_string() ? value.get_ref<const std::string&>() : std::string();
}

std::string text_in(const nlohmann::json& object, const char* key, std::string_view fallback) {
    const nlohmann::json& value = child_in(object, key);
    return value.is_string() ? value.get_ref<const std::string&>() : std::string(fallback);
}

std::int64_t number_in(const nlohmann::json& object, const char* key, std::int64_t fallback) {
    const nlohmann::json& value = child_in(object, key);
    if (value.is_number_unsigned()) {
        const auto number = value.get<std::uint64_t>();
        return number <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())
                   ? static_cast<std::int64_t>(number)
                   : fallback;
    }
    return value.is_number_integer() ? value.get<std::int64_t>() : fallback;
}

bool flag_in(const nlohmann::json& object, const char* key, bool fallback) {
    const nlohmann::json& value = child_in(object, key);
    return value.is_boolean() ? value.get<bool>() : fallback;
}

}  // namespace podreeve
