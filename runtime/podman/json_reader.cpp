#include "runtime/podman/json_reader.h"

#include <charconv>
#include <cstring>
#include <optional>

#include "runtime/base/utf8.h"

namespace podreeve::podman {
namespace {

bool is_space(char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

void append_utf8(std::string& out, std::uint32_t point) {
    const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (point < 0x80) {
        put(point);
    } else if (point < 0x800) {
        put(0xC0U | point >> 6U);
        put(0x80U | (point & 0x3FU));
    } else if (point < 0x10000) {
        put(0xE0U | point >> 12U);
        put(0x80U | (point >> 6U & 0x3FU));
        put(0x80U | (point & 0x3FU));
    } else {
        put(0xF0U | point >> 18U);
        put(0x80U | (point >> 12U & 0x3FU));
        put(0x80U | (point >> 6U & 0x3FU));
        put(0x80U | (point & 0x3FU));
    }
}

// Four hex digits at the front of rest, taken off it.
std::optional<std::uint32_t> take_hex4(std::string_view& rest) {
    std::uint32_t value = 0;
    if (rest.size() < 4) {
        return std::nullopt;
    }
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + 4, value, 16);
    if (error != std::errc() || end != rest.data() + 4) {
        return std::nullopt;
    }
    rest.remove_prefix(4);
    return value;
}

// What follows "\u"; two halves of a pair make one character.
bool take_code_point(std::string_view& rest, std::string& out) {
    const auto unit = take_hex4(rest);
    if (!unit || (*unit >= 0xDC00 && *unit < 0xE000)) {
        return false;
    }
    if (*unit < 0xD800 || *unit >= 0xE000) {
        append_utf8(out, *unit);
        return true;
    }
    if (!rest.starts_with("\\u")) {
        return false;
    }
    rest.remove_prefix(2);
    const auto low = take_hex4(rest);
    if (!low || *low < 0xDC00 || *low >= 0xE000) {
        return false;
    }
    append_utf8(out, 0x10000 + ((*unit - 0xD800) << 10U) + (*low - 0xDC00));
    return true;
}

bool take_escape(std::string_view& rest, std::string& out) {
    static constexpr std::string_view kNames = "\"\\/bfnrt";
    static constexpr std::string_view kValues = "\"\\/\b\f\n\r\t";
    if (rest.empty()) {
        return false;
    }
    const char name = rest.front();
    rest.remove_prefix(1);
    if (name == 'u') {
        return take_code_point(rest, out);
    }
    const auto index = kNames.find(name);
    if (index == std::string_view::npos) {
        return false;
    }
    out += kValues[index];
    return true;
}

std::optional<std::string> unescaped(std::string_view raw) {
    std::string out;
    out.reserve(raw.size());
    while (!raw.empty()) {
        const auto slash = raw.find('\\');
        out.append(raw.substr(0, slash));
        if (slash == std::string_view::npos) {
            break;
        }
        raw.remove_prefix(slash + 1);
        if (!take_escape(raw, out)) {
            return std::nullopt;
        }
    }
    return out;
}

}  // namespace

void JsonReader::fail() {
    failed_ = true;
    at_ = end_;
}

char JsonReader::peek() {
    while (at_ != end_ && is_space(*at_)) {
        ++at_;
    }
    return at_ == end_ ? '\0' : *at_;
}

void JsonReader::expect(char wanted) {
    if (peek() == wanted) {
        ++at_;
    } else {
        fail();
    }
}

bool JsonReader::open(char bracket) {
    if (peek() != bracket) {
        skip();
        return false;
    }
    ++at_;
    if (++depth_ > kMaxDepth) {
        fail();
    }
    return true;
}

bool JsonReader::first(char closing) {
    if (peek() == closing) {
        ++at_;
        return false;
    }
    return !failed_;
}

bool JsonReader::next(char closing) {
    const char c = peek();
    if (c == ',') {
        ++at_;
        return true;
    }
    expect(closing);
    return false;
}

std::string_view JsonReader::raw_text() {
    expect('"');
    const char* begin = at_;
    bool high = false;
    escaped_ = false;
    for (; at_ != end_ && *at_ != '"'; ++at_) {
        const auto c = static_cast<unsigned char>(*at_);
        if (c < 0x20) {
            break;
        }
        high = high || c >= 0x80;
        if (c == '\\') {
            escaped_ = true;
            if (++at_ == end_) {
                break;
            }
        }
    }
    const std::string_view raw(begin, static_cast<std::size_t>(at_ - begin));
    if (at_ == end_ || *at_ != '"' || (high && !is_utf8(raw))) {
        fail();
        return {};
    }
    ++at_;
    return raw;
}

std::string_view JsonReader::key() {
    if (peek() != '"') {
        fail();
        return {};
    }
    std::string_view name = raw_text();
    if (escaped_ && !failed_) {
        auto plain = unescaped(name);
        if (!plain) {
            fail();
            return {};
        }
        key_ = std::move(*plain);
        name = key_;
    }
    expect(':');
    return name;
}

std::string JsonReader::text() {
    if (peek() != '"') {
        skip();
        return {};
    }
    const std::string_view raw = raw_text();
    if (!escaped_ || failed_) {
        return std::string(raw);
    }
    auto plain = unescaped(raw);
    if (!plain) {
        fail();
        return {};
    }
    return std::move(*plain);
}

std::int64_t JsonReader::number() {
    const char c = peek();
    if (c != '-' && !is_digit(c)) {
        skip();
        return 0;
    }
    const char* begin = at_;
    skip_number();
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(begin, at_, value);
    return error == std::errc() && end == at_ ? value : 0;
}

bool JsonReader::flag() {
    if (peek() == 't') {
        return take_word("true");
    }
    skip();
    return false;
}

std::vector<std::string> JsonReader::texts() {
    std::vector<std::string> out;
    array([&] { out.push_back(text()); });
    return out;
}

std::map<std::string, std::string> JsonReader::text_map() {
    std::map<std::string, std::string> out;
    object([&](std::string_view name) {
        std::string own(name);
        out.insert_or_assign(std::move(own), text());
    });
    return out;
}

bool JsonReader::take_word(std::string_view word) {
    const auto left = static_cast<std::size_t>(end_ - at_);
    if (left < word.size() || std::memcmp(at_, word.data(), word.size()) != 0) {
        fail();
        return false;
    }
    at_ += word.size();
    return true;
}

void JsonReader::skip_number() {
    const auto digits = [this] {
        const char* begin = at_;
        while (at_ != end_ && is_digit(*at_)) {
            ++at_;
        }
        if (at_ == begin) {
            fail();
        }
    };
    at_ += *at_ == '-' ? 1 : 0;
    if (at_ != end_ && *at_ == '0') {
        ++at_;  // alone: 01 is no number
    } else {
        digits();
    }
    if (at_ != end_ && *at_ == '.') {
        ++at_;
        digits();
    }
    if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
        ++at_;
        at_ += at_ != end_ && (*at_ == '+' || *at_ == '-') ? 1 : 0;
        digits();
    }
}

void JsonReader::skip() {
    switch (peek()) {
        case '{':
            object([this](std::string_view) { skip(); });
            return;
        case '[':
            array([this] { skip(); });
            return;
        case '"':
            text();
            return;
        case 't':
            take_word("true");
            return;
        case 'f':
            take_word("false");
            return;
        case 'n':
            take_word("null");
            return;
        default:
            break;
    }
    if (const char c = peek(); c == '-' || is_digit(c)) {
        skip_number();
    } else {
        fail();
    }
}

bool JsonReader::finished() {
    return peek() == '\0' && at_ == end_ && !failed_;
}

}  // namespace podreeve::podman
