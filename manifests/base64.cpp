#include "manifests/base64.h"

#include <array>
#include <cstdint>

namespace podreeve::manifests {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::array<std::int8_t, 256> make_values() {
    std::array<std::int8_t, 256> values;
    values.fill(-1);
    for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
        values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::int8_t>(i);
    }
    return values;
}

bool is_space(char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

}  // namespace

std::optional<std::string> decode_base64(std::string_view text) {
    static const std::array<std::int8_t, 256> kValues = make_values();
    std::string out;
    out.reserve(text.size() * 3 / 4);
    std::uint32_t bits = 0;
    std::size_t digits = 0;
    std::size_t padding = 0;
    for (const char c : text) {
        if (is_space(c)) {
            continue;
        }
        if (c == '=') {
            ++padding;
            continue;
        }
        const std::int8_t value = kValues[static_cast<unsigned char>(c)];
        if (value < 0 || padding > 0) {
            return std::nullopt;
        }
        bits = (bits << 6U) | static_cast<std::uint32_t>(value);
        if (++digits % 4 != 1) {
            const unsigned shift = static_cast<unsigned>(6 - (digits - 1) % 4 * 2);
            out += static_cast<char>((bits >> shift) & 0xFFU);
        }
    }
    if (digits % 4 == 1 || padding > 2 || (digits + padding) % 4 != 0) {
        return std::nullopt;
    }
    return out;
}

std::string encode_base64(std::string_view bytes) {
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        std::uint32_t bits = 0;
        for (std::size_t i = 0; i < 3; ++i) {
            const bool there = at + i < bytes.size();
            bits = (bits << 8U) | (there ? static_cast<unsigned char>(bytes[at + i]) : 0U);
        }
        for (std::size_t i = 0; i < 4; ++i) {
            const bool there = i == 0 || at + i - 1 < bytes.size();
            out += there ? kAlphabet[(bits >> (18 - 6 * i)) & 0x3FU] : '=';
        }
    }
    return out;
}

}  // namespace podreeve::manifests
