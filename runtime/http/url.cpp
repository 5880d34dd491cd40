#include "runtime/http/client.h"

namespace podreeve::http {
namespace {

bool is_unreserved(unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

}  // namespace

std::string encode(std::string_view text) {
    static constexpr char kDigits[] = "0123456789ABCDEF";
    std::string out;
    out.reserve(text.size());
    for (const char raw : text) {
        const auto c = static_cast<unsigned char>(raw);
        if (is_unreserved(c)) {
            out += raw;
        } else {
            out += '%';
            out += kDigits[c >> 4U];
            out += kDigits[c & 15U];
        }
    }
    return out;
}

std::string query(
    std::initializer_list<std::pair<std::string_view, std::optional<std::string>>> items) {
    std::string out;
    for (const auto& [name, value] : items) {
        if (value) {
            out += out.empty() ? '?' : '&';
            out.append(name).append("=").append(encode(*value));
        }
    }
    return out;
}

}  // namespace podreeve::http
