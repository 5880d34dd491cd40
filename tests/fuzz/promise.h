#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "runtime/base/utf8.h"

namespace podreeve::fuzz {

// What holds for all bytes. A broken promise aborts, which the fuzzer takes for a crash.
inline void promise(bool kept, const char* what) {
    if (!kept) {
        std::fprintf(stderr, "broken promise: %s\n", what);
        std::abort();
    }
}

// What people are told of foreign bytes: valid UTF-8 on one line, without control characters.
inline bool is_clean(std::string_view words) {
    return clean_text(words) == words;
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

}  // namespace podreeve::fuzz
