#include "runtime/podman/json_fields.h"

#include <fmt/format.h>

namespace podreeve::podman {

Result<Json> parse_json(std::string_view body, std::string_view what) {
    Json parsed = Json::parse(body, nullptr, false);
    if (parsed.is_discarded()) {
        return fail(Code::Corrupt, fmt::format("cannot read {}: podman sent no valid JSON", what));
    }
    return parsed;
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

std::string text_in(const Json& object, const char* key) {
    return text_of(child_in(object, key));
}

std::int64_t number_in(const Json& object, const char* key) {
    const Json& value = child_in(object, key);
    return value.is_number_integer() ? value.get<std::int64_t>() : 0;
}

bool flag_in(const Json& object, const char* key) {
    const Json& value = child_in(object, key);
    return value.is_boolean() && value.get<bool>();
}

std::vector<std::string> texts_in(const Json& object, const char* key) {
    std::vector<std::string> out;
    const Json& value = child_in(object, key);
    if (value.is_string()) {  // podman 4 writes an entrypoint as one string
        out.push_back(text_of(value));
    } else if (value.is_array()) {
        for (const Json& item : value) {
            out.push_back(text_of(item));
        }
    }
    return out;
}

std::map<std::string, std::string> text_map_in(const Json& object, const char* key) {
    std::map<std::string, std::string> out;
    const Json& value = child_in(object, key);
    if (value.is_object()) {
        for (const auto& [name, item] : value.items()) {
            out.emplace(name, text_of(item));
        }
    }
    return out;
}

std::optional<WallTime> time_from_text(const std::string& text) {
    if (text < "1970-01-02" || text > "2262") {
        return std::nullopt;
    }
    auto time = parse_rfc3339(text);
    return time ? std::optional<WallTime>(*time) : std::nullopt;
}

std::optional<WallTime> time_from_seconds(std::int64_t seconds) {
    constexpr std::int64_t kLast = INT64_MAX / 1'000'000'000;
    if (seconds <= 0 || seconds > kLast) {
        return std::nullopt;
    }
    return WallTime(std::chrono::seconds(seconds));
}

}  // namespace podreeve::podman
