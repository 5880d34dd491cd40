#include "quadlet/syntax.h"

#include <algorithm>
#include <cstdint>

namespace podreeve::quadlet {
namespace {

// The length of the UTF-8 sequence that lead starts, and the least code point it may hold.
struct Lead {
    std::size_t length;
    std::uint32_t bits;
    std::uint32_t least;
};

std::optional<Lead> lead_of(unsigned char c) {
    if (c < 0x80) {
        return Lead{1, c, 0};
    }
    if ((c & 0xE0) == 0xC0) {
        return Lead{2, c & 0x1FU, 0x80};
    }
    if ((c & 0xF0) == 0xE0) {
        return Lead{3, c & 0x0FU, 0x800};
    }
    if ((c & 0xF8) == 0xF0) {
        return Lead{4, c & 0x07U, 0x10000};
    }
    return std::nullopt;
}

// The length of the well-formed sequence at the start of text; 0 when it is none.
std::size_t sequence_length(std::string_view text) {
    const auto lead = lead_of(static_cast<unsigned char>(text.front()));
    if (!lead || text.size() < lead->length) {
        return 0;
    }
    std::uint32_t point = lead->bits;
    for (std::size_t i = 1; i < lead->length; ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        if ((c & 0xC0) != 0x80) {
            return 0;
        }
        point = point << 6 | (c & 0x3FU);
    }
    const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
    return point < lead->least || point > 0x10FFFF || surrogate ? 0 : lead->length;
}

}  // namespace

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

std::optional<std::size_t> find_invalid_utf8(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t length = sequence_length(text.substr(at));
        if (length == 0) {
            return at;
        }
        at += length;
    }
    return std::nullopt;
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
