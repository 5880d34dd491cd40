#include "quadlet/values.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <cstdint>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "quadlet/words.h"
#include "runtime/base/nearest.h"

namespace podreeve::quadlet {
namespace {

constexpr std::string_view kBooleans = "true|false|yes|no|on|off|1|0";

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_word(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
}

std::vector<std::string> split_at(std::string_view text, char separator) {
    std::vector<std::string> parts;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find(separator, at), text.size());
        parts.emplace_back(text.substr(at, end - at));
        at = end + 1;
    }
    return parts;
}

bool is_number(std::string_view text) {
    std::uint64_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

bool is_address(std::string_view text) {
    char bytes[sizeof(in6_addr)];
    const std::string name(text);
    return inet_pton(AF_INET, name.c_str(), bytes) == 1 ||
           inet_pton(AF_INET6, name.c_str(), bytes) == 1;
}

bool is_subnet(std::string_view text) {
    const std::size_t slash = text.find('/');
    return slash != std::string_view::npos && is_address(text.substr(0, slash)) &&
           is_number(text.substr(slash + 1));
}

// 1h2m3.5s and 250ms as Go reads them, 90 as podman does beside.
bool is_duration(std::string_view text) {
    if (text == "disable" || is_number(text)) {
        return true;
    }
    constexpr std::string_view kUnits[] = {"ns", "us", "µs", "ms", "s", "m", "h"};
    while (!text.empty()) {
        const std::size_t digits = text.find_first_not_of("0123456789.");
        if (digits == 0 || digits == std::string_view::npos) {
            return false;
        }
        text.remove_prefix(digits);
        const auto* const unit =
            std::find_if(std::begin(kUnits), std::end(kUnits),
                         [&](std::string_view u) { return text.starts_with(u); });
        if (unit == std::end(kUnits)) {
            return false;
        }
        text.remove_prefix(unit->size());
    }
    return true;
}

bool is_size(std::string_view text) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
    const std::string_view unit = text.substr(digits);
    constexpr std::string_view kUnits = "|b|k|m|g|t|p|kb|mb|gb|tb|pb|kib|mib|gib|tib|pib|";
    std::string wanted = fmt::format("|{}|", unit);
    std::transform(wanted.begin(), wanted.end(), wanted.begin(), lower);
    return digits > 0 && (unit.empty() || kUnits.find(wanted) != std::string_view::npos);
}

bool is_port_number(std::string_view text) {
    return is_number(text) && text.size() <= 5 && std::stoi(std::string(text)) <= 65535;
}

bool is_port_range(std::string_view text) {
    const std::size_t dash = text.find('-');
    return dash == std::string_view::npos
               ? is_port_number(text)
               : is_port_number(text.substr(0, dash)) && is_port_number(text.substr(dash + 1));
}

// PORT[-PORT][/PROTOCOL]
bool is_container_port(std::string_view text) {
    const std::size_t slash = text.find('/');
    const std::string_view protocol =
        slash == std::string_view::npos ? "tcp" : text.substr(slash + 1);
    return is_port_range(text.substr(0, slash)) &&
           (protocol == "tcp" || protocol == "udp" || protocol == "sctp");
}

// [[IP:][HOST]:]CONTAINER[/PROTOCOL], an IPv6 address in brackets.
bool is_publish(std::string_view text) {
    std::string_view address;
    if (text.starts_with('[')) {
        const std::size_t end = text.find("]:");
        if (end == std::string_view::npos) {
            return false;
        }
        address = text.substr(1, end - 1);
        text.remove_prefix(end + 2);
    } else if (std::count(text.begin(), text.end(), ':') == 2) {
        address = text.substr(0, text.find(':'));
        text.remove_prefix(address.size() + 1);
    }
    const std::size_t colon = text.rfind(':');
    const std::string_view host = colon == std::string_view::npos ? "" : text.substr(0, colon);
    const std::string_view container =
        colon == std::string_view::npos ? text : text.substr(colon + 1);
    return (address.empty() || is_address(address)) && (host.empty() || is_port_range(host)) &&
           is_container_port(container);
}

std::optional<BadValue> check_choice(std::string_view words, std::string_view value) {
    const std::vector<std::string> choices = split_at(words, '|');
    const bool known = std::any_of(choices.begin(), choices.end(),
                                   [&](const std::string& each) { return same_word(each, value); });
    if (known) {
        return std::nullopt;
    }
    return BadValue{fmt::format("'{}' is none of its words", value),
                    fmt::format("{}", fmt::join(choices, ", ")), nearest_name(value, choices)};
}

std::optional<BadValue> check_words(std::string_view value, bool escapes) {
    const auto words = escapes ? split_words(value) : split_quoted_words(value);
    if (!words) {
        return BadValue{words.error().message, "", ""};
    }
    if (std::find(words->begin(), words->end(), "") != words->end()) {
        return BadValue{"an empty word: Quadlet drops it and all behind it", "", ""};
    }
    return std::nullopt;
}

// An odd % asks systemd for something.
bool has_specifier(std::string_view value) {
    for (std::size_t at = value.find('%'); at != std::string_view::npos;
         at = value.find('%', at + 2)) {
        if (at + 1 >= value.size() || value[at + 1] != '%') {
            return true;
        }
    }
    return false;
}

struct Shape {
    ValueKind kind;
    bool (*fits)(std::string_view);
    std::string_view what;
    std::string_view allowed;
};

constexpr Shape kShapes[] = {
    {ValueKind::Number, is_number, "a number", "0, 1, 2, …"},
    {ValueKind::Limit, [](std::string_view text) { return text == "-1" || is_number(text); },
     "a number", "0, 1, 2, …, or -1 for no limit"},
    {ValueKind::Duration, is_duration, "a duration", "1m30s, 500ms, 90, disable"},
    {ValueKind::Size, is_size, "a size", "a number with b, k, m, g or t"},
    {ValueKind::Address, is_address, "an IP address", "10.88.0.7, fd00::7"},
    {ValueKind::Subnet, is_subnet, "a subnet", "10.89.0.0/24, fd00::/64"},
    {ValueKind::Port, is_container_port, "a port", "PORT[-PORT][/tcp|/udp|/sctp]"},
    {ValueKind::Publish, is_publish, "a port to publish", "[[IP:][HOST]:]CONTAINER[/PROTOCOL]"},
};

}  // namespace

std::optional<BadValue> check_value(const Key& key, std::string_view value) {
    switch (key.kind) {
        case ValueKind::Text:
            return std::nullopt;
        case ValueKind::Words:
            return check_words(value, false);
        case ValueKind::Arguments:
        case ValueKind::Pairs:
            return check_words(value, true);
        default:
            break;
    }
    // Lists are taken as they are; of a single value Quadlet takes quotes off.
    const bool single = key.use != Use::Each && key.kind != ValueKind::Port;
    if (single && value.size() >= 2 && value.front() == '"' && value.back() == '"') {
        value = value.substr(1, value.size() - 2);
    }
    if (value.empty() || has_specifier(value) || value.find('$') != std::string_view::npos) {
        return std::nullopt;
    }
    if (key.kind == ValueKind::Boolean) {
        return check_choice(kBooleans, value);
    }
    if (key.kind == ValueKind::Choice) {
        return check_choice(key.words, value);
    }
    const auto* const shape =
        std::find_if(std::begin(kShapes), std::end(kShapes),
                     [&](const Shape& each) { return each.kind == key.kind; });
    if (shape == std::end(kShapes) || shape->fits(value)) {
        return std::nullopt;
    }
    return BadValue{fmt::format("'{}' is not {}", value, shape->what), std::string(shape->allowed),
                    ""};
}

}  // namespace podreeve::quadlet
