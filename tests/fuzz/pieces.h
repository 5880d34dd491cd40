#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

namespace podreeve::fuzz {

// The ways in which bytes may arrive: whole, one by one, and in pieces whose size the bytes choose.
inline std::vector<std::size_t> ways_to_arrive(std::string_view bytes) {
    const std::size_t chosen =
        2 + static_cast<unsigned char>(bytes.empty() ? 0 : bytes.back()) % 30;
    return {std::max<std::size_t>(bytes.size(), 1), 1, chosen};
}

// Hands bytes on in pieces of that size until take(piece) says false.
template <class Take>
bool arrive(std::string_view bytes, std::size_t size, Take take) {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(size, bytes.size()))) {
        if (!take(bytes.substr(0, size))) {
            return false;
        }
    }
    return true;
}

}  // namespace podreeve::fuzz
