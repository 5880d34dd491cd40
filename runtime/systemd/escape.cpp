#include "runtime/systemd/escape.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

namespace podreeve::systemd {
namespace {

bool is_plain(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == ':' || c == '_' || c == '.';
}

int hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

Error bad_path(std::string_view path, std::string_view why) {
    return {Code::InvalidArgument, fmt::format("cannot escape the path '{}': {}", path, why)};
}

}  // namespace

std::string escape(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
        if (c == '/') {
            escaped += '-';
        } else if (is_plain(c) && !(c == '.' && escaped.empty())) {
            escaped += c;
        } else {
            escaped += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        }
    }
    return escaped;
}

Result<std::string> unescape(std::string_view escaped) {
    std::string text;
    for (std::size_t i = 0; i < escaped.size(); ++i) {
        if (escaped[i] != '\\') {
            text += escaped[i] == '-' ? '/' : escaped[i];
            continue;
        }
        const std::string_view code = escaped.substr(i, 4);
        const int high = code.size() == 4 && code[1] == 'x' ? hex_value(code[2]) : -1;
        const int low = code.size() == 4 ? hex_value(code[3]) : -1;
        if (high < 0 || low < 0) {
            return fail(Code::InvalidArgument,
                        fmt::format("cannot unescape '{}': a backslash without xNN", escaped));
        }
        text += static_cast<char>(high * 16 + low);
        i += 3;
    }
    return text;
}

Result<std::string> escape_path(std::string_view path) {
    if (!path.starts_with('/')) {
        return bad_path(path, "not absolute");
    }
    std::string plain;
    while (!path.empty()) {
        const std::size_t start = std::min(path.find_first_not_of('/'), path.size());
        const std::size_t end = std::min(path.find('/', start), path.size());
        const std::string_view part = path.substr(start, end - start);
        if (part == "." || part == "..") {
            return bad_path(path, "not in its shortest form");
        }
        if (!part.empty()) {
            plain += plain.empty() ? std::string(part) : fmt::format("/{}", part);
        }
        path.remove_prefix(end);
    }
    return plain.empty() ? std::string("-") : escape(plain);
}

Result<std::string> instance_of(std::string_view template_name, std::string_view instance) {
    const std::size_t at = template_name.find("@.");
    if (at == std::string_view::npos || at == 0 || instance.empty()) {
        return fail(Code::InvalidArgument,
                    fmt::format("cannot make an instance '{}' of '{}'", instance, template_name));
    }
    return fmt::format("{}@{}{}", template_name.substr(0, at), instance,
                       template_name.substr(at + 1));
}

}  // namespace podreeve::systemd
