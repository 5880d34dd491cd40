#include "runtime/base/shell_word.h"

#include <algorithm>
#include <string_view>

#include "runtime/base/utf8.h"

namespace podreeve {

std::string shell_word(const std::filesystem::path& path) {
    const std::string text = clean_text(path.string());
    const auto is_plain = [](unsigned char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("/._-+:@%,").find(static_cast<char>(c)) != std::string_view::npos;
    };
    if (!text.empty() && std::all_of(text.begin(), text.end(), is_plain)) {
        return text;
    }
    std::string out = "\"";
    for (const char c : text) {
        out += std::string_view("\"\\$`").find(c) != std::string_view::npos ? "\\" : "";
        out += c;
    }
    return out + "\"";
}

bool is_nameable(const std::filesystem::path& path) {
    return clean_text(path.string()) == path.string();
}

}  // namespace podreeve
