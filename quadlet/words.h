#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"

namespace podreeve::quadlet {

// Splits a value into words by systemd's rules (systemd.syntax(7), "QUOTING"; extract_first_word()
// with unquoting and C escapes): blanks separate, single and double quotes hold together also in
// the middle of a word, a backslash escapes inside and outside of them. A quote left open, a
// backslash at the end and an escape that systemd does not know are InvalidArgument. Specifiers
// (%n) and variables ($x) are left as they are.
Result<std::vector<std::string>> split_words(std::string_view value);

// The same with backslashes left as they are: systemd's way with lists of names, and so Quadlet's
// with some of its keys.
Result<std::vector<std::string>> split_quoted_words(std::string_view value);

// The word as it must be written to be split back to itself: bare where that is safe, else in
// double quotes. NUL cannot be written and is InvalidArgument.
Result<std::string> quote_word(std::string_view word);

// All words, each quoted as needed, with a blank between them.
Result<std::string> join_words(const std::vector<std::string>& words);

}  // namespace podreeve::quadlet
