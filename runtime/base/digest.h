#pragma once

#include <string>
#include <string_view>

namespace podreeve {

// SHA-256 of bytes as 64 lower-case hex digits.
std::string sha256_hex(std::string_view bytes);

// 2 × bytes hex digits that nobody can guess.
std::string random_hex(unsigned bytes);

}  // namespace podreeve
