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
