#include "quadlet/words.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include <fmt/format.h>

#include "quadlet/syntax.h"
#include "runtime/base/utf8.h"

namespace podreeve::quadlet {
namespace {

constexpr std::string_view kSeparators = " \t\n\r";

struct NamedEscape {
    char name;
    char meaning;
};

constexpr NamedEscape kNamedEscapes[] = {{'a', '\a'}, {'b', '\b'},  {'f', '\f'}, {'n', '\n'},
                                         {'r', '\r'}, {'t', '\t'},  {'v', '\v'}, {'\\', '\\'},
                                         {'"', '"'},  {'\'', '\''}, {'s', ' '}};

int digit_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
}

// The number that exactly count digits at the start of text make.
std::optional<std::uint32_t> read_number(std::string_view text, std::size_t count, int base) {
    if (text.size() < count) {
        return std::nullopt;
    }
    std::uint32_t value = 0;
    for (const char c : text.substr(0, count)) {
        const int digit = digit_value(c);
        if (digit >= base) {
            return std::nullopt;
        }
        value = value * static_cast<std::uint32_t>(base) + static_cast<std::uint32_t>(digit);
    }
    return value;
}

void append_utf8(std::string& out, std::uint32_t point) {
    const auto byte = [&](std::uint32_t value) { out += static_cast<char>(value); };
    if (point < 0x80) {
        byte(point);
    } else if (point < 0x800) {
        byte(0xC0 | point >> 6);
        byte(0x80 | (point & 0x3F));
    } else if (point < 0x10000) {
        byte(0xE0 | point >> 12);
        byte(0x80 | (point >> 6 & 0x3F));
        byte(0x80 | (point & 0x3F));
    } else {
        byte(0xF0 | point >> 18);
        byte(0x80 | (point >> 12 & 0x3F));
        byte(0x80 | (point >> 6 & 0x3F));
        byte(0x80 | (point & 0x3F));
    }
}

// The code point of \u and \U; NUL, surrogates and what lies beyond Unicode are none.
bool append_code_point(std::string& out, std::optional<std::uint32_t> point) {
    if (!point || *point == 0 || *point > 0x10FFFF || (*point >= 0xD800 && *point <= 0xDFFF)) {
        return false;
    }
    append_utf8(out, *point);
    return true;
}

bool append_byte(std::string& out, std::optional<std::uint32_t> value) {
    if (!value || *value == 0 || *value > 255) {
        return false;
    }
    out += static_cast<char>(*value);
    return true;
}

// Reads the escape behind a backslash; the number of bytes it took, 0 when it is none.
std::size_t take_escape(std::string_view text, std::string& out) {
    const char c = text.front();
    for (const NamedEscape& escape : kNamedEscapes) {
        if (escape.name == c) {
            out += escape.meaning;
            return 1;
        }
    }
    const std::string_view digits = text.substr(1);
    switch (c) {
        case 'x':
            return append_byte(out, read_number(digits, 2, 16)) ? 3 : 0;
        case 'u':
            return append_code_point(out, read_number(digits, 4, 16)) ? 5 : 0;
        case 'U':
            return append_code_point(out, read_number(digits, 8, 16)) ? 9 : 0;
        default:
            return append_byte(out, read_number(text, 3, 8)) ? 3 : 0;
    }
}

Error word_error(std::string_view what, std::size_t at) {
    return {Code::InvalidArgument,
            fmt::format("cannot split into words: {} at column {}", what, at + 1)};
}

enum class Backslash { Escapes, IsPlain };

// Takes the word that starts at `at` and moves `at` behind it.
Result<std::string> take_word(std::string_view value, std::size_t& at, Backslash backslash) {
    std::string word;
    char quote = 0;
    std::size_t quote_at = 0;
    while (at < value.size()) {
        const char c = value[at];
        if (c == '\\' && backslash == Backslash::Escapes) {
            const std::size_t taken =
                at + 1 < value.size() ? take_escape(value.substr(at + 1), word) : 0;
            if (taken == 0) {
                return word_error("a backslash that starts no known escape (double it)", at);
            }
            at += 1 + taken;
            continue;
        }
        if (quote != 0 ? c == quote : c == '"' || c == '\'') {
            quote = quote != 0 ? '\0' : c;
            quote_at = at;
        } else if (quote == 0 && kSeparators.find(c) != std::string_view::npos) {
            return word;
        } else {
            word += c;
        }
        ++at;
    }
    if (quote != 0) {
        return word_error("a quote is never closed", quote_at);
    }
    return word;
}

bool is_safe_bare(std::string_view word) {
    return !word.empty() && !find_invalid_utf8(word) &&
           // A comment sign at the start of a wrapped line would end the value.
           word.front() != '#' && word.front() != ';' &&
           std::none_of(word.begin(), word.end(), [](char c) {
               return is_control(c) || c == ' ' || c == '"' || c == '\'' || c == '\\';
           });
}

Result<std::vector<std::string>> split(std::string_view value, Backslash backslash) {
    std::vector<std::string> words;
    std::size_t at = value.find_first_not_of(kSeparators);
    while (at != std::string_view::npos) {
        ASSIGN_OR_RETURN(std::string word, take_word(value, at, backslash));
        words.push_back(std::move(word));
        at = value.find_first_not_of(kSeparators, at);
    }
    return words;
}

}  // namespace

Result<std::vector<std::string>> split_words(std::string_view value) {
    return split(value, Backslash::Escapes);
}

Result<std::vector<std::string>> split_quoted_words(std::string_view value) {
    return split(value, Backslash::IsPlain);
}

Result<std::string> quote_word(std::string_view word) {
    if (word.find('\0') != std::string_view::npos) {
        return fail(Code::InvalidArgument, "cannot quote a word that holds a NUL byte");
    }
    if (is_safe_bare(word)) {
        return std::string(word);
    }
    // Bytes that are not UTF-8 would make the whole line unreadable, so they go in as numbers.
    const bool text = !find_invalid_utf8(word);
    std::string quoted = "\"";
    for (const char c : word) {
        if (c == '"' || c == '\\') {
            quoted += '\\';
            quoted += c;
        } else if (is_control(c) || (!text && static_cast<unsigned char>(c) >= 0x80)) {
            quoted += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        } else {
            quoted += c;
        }
    }
    return quoted + '"';
}

Result<std::string> join_words(const std::vector<std::string>& words) {
    std::string joined;
    for (const std::string& word : words) {
        ASSIGN_OR_RETURN(const std::string quoted, quote_word(word));
        joined += joined.empty() ? quoted : " " + quoted;
    }
    return joined;
}

}  // namespace podreeve::quadlet
