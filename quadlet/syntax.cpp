#include "quadlet/syntax.h"

#include <algorithm>

namespace podreeve::quadlet {

bool is_comment(std::string_view line) {
    const std::size_t first = line.find_first_not_of(kBlanks);
    return first != std::string_view::npos && (line[first] == '#' || line[first] == ';');
}

std::optional<std::size_t> find_continuation(std::string_view line) {
    const std::size_t last = line.find_last_not_of(kBlanks);
    if (last == std::string_view::npos || line[last] != '\\') {
        return std::nullopt;
    }
    return last;
}

bool ends_in_two_backslashes(std::string_view text) {
    const std::size_t last = text.find_last_not_of('\\');
    const std::size_t count = last == std::string_view::npos ? text.size() : text.size() - last - 1;
    return count > 0 && count % 2 == 0;
}

bool has_wide_blank_at_an_end(std::string_view text) {
    constexpr std::string_view kWide[] = {
        "\xC2\x85",     "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\x80", "\xE2\x80\x81",
        "\xE2\x80\x82", "\xE2\x80\x83", "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86",
        "\xE2\x80\x87", "\xE2\x80\x88", "\xE2\x80\x89", "\xE2\x80\x8A", "\xE2\x80\xA8",
        "\xE2\x80\xA9", "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80"};
    return std::any_of(std::begin(kWide), std::end(kWide), [&](std::string_view blank) {
        return text.starts_with(blank) || text.ends_with(blank);
    });
}

bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
}

bool is_section_name(std::string_view name) {
    return !name.empty() && strip_blanks(name) == name &&
           std::none_of(name.begin(), name.end(),
                        [](char c) { return c == '[' || c == ']' || is_control(c); });
}

bool is_key_name(std::string_view name) {
    return !name.empty() && !is_comment(name) && name.front() != '[' &&
           std::none_of(name.begin(), name.end(), [](char c) {
               const bool ascii = static_cast<unsigned char>(c) < 0x80;
               return !ascii || c == '=' || c == ' ' || c == '\\' || is_control(c);
           });
}

std::string_view strip_blanks(std::string_view text) {
    const std::size_t first = text.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace podreeve::quadlet
