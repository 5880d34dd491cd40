#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace podreeve::quadlet {

// What the characters of a unit file may be, for reading and for writing alike.

inline constexpr std::string_view kBlanks = " \t";
inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool is_comment(std::string_view line);
// Where the backslash stands with which line asks for another one. systemd wants it as the very
// last character and not doubled, Quadlet takes any at the end; the reader refuses what the two
// differ in.
std::optional<std::size_t> find_continuation(std::string_view line);
bool ends_in_two_backslashes(std::string_view text);
// Whether text starts or ends with a blank beyond ASCII, which Quadlet cuts and systemd keeps.
bool has_wide_blank_at_an_end(std::string_view text);
bool is_control(char c);
bool is_section_name(std::string_view name);
bool is_key_name(std::string_view name);
std::string_view strip_blanks(std::string_view text);

}  // namespace podreeve::quadlet
