#include "runtime/base/utf8.h"

#include <fmt/format.h>

namespace podreeve {
namespace {

// The length of the valid sequence at the start of text, 0 when there is none.
std::size_t sequence_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto follows = [&](std::size_t count) {
        if (text.size() <= count) {
            return false;
        }
        for (std::size_t i = 1; i <= count; ++i) {
            if ((byte(i) & 0xC0U) != 0x80U) {
                return false;
            }
        }
        return true;
    };
    const unsigned char first = byte(0);
    if (first < 0x80) {
        return 1;
    }
    if (first >= 0xC2 && first <= 0xDF) {
        return follows(1) ? 2 : 0;
    }
    if (first >= 0xE0 && first <= 0xEF && follows(2)) {
        const bool overlong = first == 0xE0 && byte(1) < 0xA0;
        const bool surrogate = first == 0xED && byte(1) >= 0xA0;
        return overlong || surrogate ? 0 : 3;
    }
    if (first >= 0xF0 && first <= 0xF4 && follows(3)) {
        const bool overlong = first == 0xF0 && byte(1) < 0x90;
        const bool beyond = first == 0xF4 && byte(1) >= 0x90;
        return overlong || beyond ? 0 : 4;
    }
    return 0;
}

bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7F;
}

bool is_ascii(std::string_view bytes) {
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte >= 0x7F) {
            return false;
        }
    }
    return true;
}

// U+0080 to U+009F: terminals take some of them for the beginning of a command.
bool is_high_control(std::string_view character) {
    return character.size() == 2 && character[0] == '\xC2' &&
           static_cast<unsigned char>(character[1]) < 0xA0;
}

// What stands for the character, or for the byte that begins none.
std::string shown(std::string_view character, bool valid) {
    const auto first = static_cast<unsigned char>(character[0]);
    if (valid && is_high_control(character)) {
        return fmt::format("\\u{:04x}", static_cast<unsigned char>(character[1]));
    }
    if (valid && first >= 0x20 && first != 0x7F) {
        return std::string(character);
    }
    switch (character[0]) {
        case '\n':
            return "\\n";
        case '\t':
            return "\\t";
        case '\r':
            return "\\r";
        default:
            return fmt::format("\\x{:02x}", first);
    }
}

}  // namespace

std::optional<TextFlaw> find_text_flaw(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size()) {
        if (text[at] == '\0') {
            return TextFlaw{at, "a NUL byte"};
        }
        if (is_control(text[at])) {
            return TextFlaw{at, "a control character"};
        }
        const std::size_t length = sequence_length(text.substr(at));
        if (length == 0) {
            return TextFlaw{at, "a byte that is not UTF-8"};
        }
        at += length;
    }
    return std::nullopt;
}

std::optional<std::size_t> find_invalid_utf8(std::string_view bytes) {
    std::size_t at = 0;
    while (at < bytes.size()) {
        const std::size_t length = sequence_length(bytes.substr(at));
        if (length == 0) {
            return at;
        }
        at += length;
    }
    return std::nullopt;
}

bool is_utf8(std::string_view bytes) {
    return !find_invalid_utf8(bytes);
}

std::string clean_text(std::string_view bytes, std::size_t limit) {
    if (bytes.size() <= limit && is_ascii(bytes)) {
        return std::string(bytes);
    }
    std::string out;
    while (!bytes.empty()) {
        const std::size_t length = sequence_length(bytes);
        const std::string_view character = bytes.substr(0, length == 0 ? 1 : length);
        const std::string text = shown(character, length != 0);
        if (out.size() + text.size() > limit) {
            break;
        }
        out += text;
        bytes.remove_prefix(character.size());
    }
    return out;
}

}  // namespace podreeve
