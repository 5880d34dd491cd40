#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace podreeve {

struct TextFlaw {
    std::size_t offset = 0;
    const char* what = "";
};

// The first byte that no text file may hold: one that is not UTF-8 (overlong forms and surrogates
// included), or a control character other than tab, line feed and carriage return.
std::optional<TextFlaw> find_text_flaw(std::string_view text);

// Where the first byte stands that is not UTF-8.
std::optional<std::size_t> find_invalid_utf8(std::string_view bytes);
bool is_utf8(std::string_view bytes);

// Words of somebody else, for a message: valid UTF-8 in one line. What is no UTF-8 is shown as
// \xff, a control character (DEL and those behind U+0080 included) as \n, \x1b or \u0085. At most
// limit bytes, cut between two characters. Every text that a container, podman, systemd, the kernel
// or a file name wrote goes through here where it enters.
std::string clean_text(std::string_view bytes, std::size_t limit = std::string_view::npos);

}  // namespace podreeve
