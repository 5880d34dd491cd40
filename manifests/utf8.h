#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace podreeve::manifests {

struct TextFlaw {
    std::size_t offset = 0;
    const char* what = "";
};

// The first byte that no text file may hold: one that is not UTF-8 (overlong forms and surrogates
// included), or a control character other than tab, line feed and carriage return.
std::optional<TextFlaw> find_text_flaw(std::string_view text);

bool is_utf8(std::string_view bytes);

}  // namespace podreeve::manifests
