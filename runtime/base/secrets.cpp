#include "runtime/base/secrets.h"

#include <algorithm>
#include <set>
#include <string_view>

#include <fmt/format.h>

#include "runtime/base/utf8.h"

namespace podreeve {
namespace {

constexpr std::string_view kMark = "[secret]";
constexpr std::size_t kLeastLine = 8;

// As Go's %q writes it, without the quotes: podman's words often hold values so.
std::string go_quoted(std::string_view text) {
    static constexpr std::string_view kRaw = "\a\b\f\n\r\t\v\\\"", kShort = "abfnrtv\\\"";
    std::string out;
    for (const char c : text) {
        if (const std::size_t at = kRaw.find(c); at != std::string_view::npos) {
            out += '\\';
            out += kShort[at];
        } else {
            out += c;
        }
    }
    return clean_text(out);
}

// As Go writes it into JSON that is a text within JSON.
std::string json_quoted(std::string_view text) {
    std::string out;
    for (const char c : go_quoted(text)) {
        out += c == '<'   ? "\\u003c"
               : c == '>' ? "\\u003e"
               : c == '&' ? "\\u0026"
                          : std::string(1, c);
    }
    return out;
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r\n";
    const std::size_t begin = std::min(text.find_first_not_of(kSpace), text.size());
    const std::size_t end = text.find_last_not_of(kSpace);
    return end == std::string_view::npos ? "" : text.substr(begin, end + 1 - begin);
}

// The letters and digits that piece begins with, a few of them: every form begins so.
std::string_view beginning_of(std::string_view piece) {
    const auto is_plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    const std::string_view few = piece.substr(0, kLeastSecret);
    return few.substr(
        0, static_cast<std::size_t>(std::ranges::find_if_not(few, is_plain) - few.begin()));
}

// Those that text cannot hold are left out, since a Secret may have a megabyte of lines.
void add_forms(std::string_view piece,
               std::size_t least,
               std::string_view text,
               std::set<std::string>& forms) {
    if (piece.size() >= least && text.find(beginning_of(piece)) != std::string_view::npos) {
        forms.insert({std::string(piece), clean_text(piece), go_quoted(piece), json_quoted(piece)});
    }
}

// All ways in which one of them may have been written in text.
std::set<std::string> forms_of(const std::vector<std::string>& secrets, std::string_view text) {
    std::set<std::string> forms;
    for (const std::string& secret : secrets) {
        add_forms(secret, kLeastSecret, text, forms);
        add_forms(trimmed(secret), kLeastSecret, text, forms);
        for (std::size_t begin = 0; begin < secret.size();) {
            const std::size_t end = std::min(secret.find('\n', begin), secret.size());
            add_forms(trimmed(std::string_view(secret).substr(begin, end - begin)), kLeastLine,
                      text, forms);
            begin = end + 1;
        }
    }
    return forms;
}

// How much of the end of text may be the beginning of a form that was cut off.
std::size_t cut_off(std::string_view text, std::string_view form) {
    for (std::size_t length = std::min(text.size(), form.size()); length >= kLeastSecret;
         --length) {
        if (text.ends_with(form.substr(0, length))) {
            return length;
        }
    }
    return 0;
}

}  // namespace

// What two of them cover together is blotted as one: of two of which one holds the other, or that
// overlap, no rest stays.
std::string without_secrets(const std::string& text, const std::vector<std::string>& secrets) {
    std::vector<bool> covered(text.size(), false);
    for (const std::string& form : forms_of(secrets, text)) {
        for (auto at = text.find(form); at != std::string::npos; at = text.find(form, at + 1)) {
            std::fill_n(covered.begin() + static_cast<std::ptrdiff_t>(at), form.size(), true);
        }
        std::fill_n(covered.rbegin(), cut_off(text, form), true);
    }
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (!covered[i]) {
            out += text[i];
        } else if (i == 0 || !covered[i - 1]) {
            out += kMark;
        }
    }
    return out;
}

}  // namespace podreeve
