#include "manifests/quantity.h"

#include <cctype>
#include <charconv>
#include <limits>
#include <string>

namespace podreeve::manifests {
namespace {

__extension__ using Wide = unsigned __int128;

struct Suffix {
    std::string_view name;
    std::int64_t multiplier;  // in thousandths of a unit
};

constexpr std::int64_t kKi = 1024;

// In thousandths, so E and Ei do not fit and are held apart by their exponent below.
constexpr Suffix kSuffixes[] = {
    {"m", 1},
    {"", 1000},
    {"k", 1000LL * 1000},
    {"M", 1000LL * 1000 * 1000},
    {"G", 1000LL * 1000 * 1000 * 1000},
    {"T", 1000LL * 1000 * 1000 * 1000 * 1000},
    {"P", 1000LL * 1000 * 1000 * 1000 * 1000 * 1000},
    {"Ki", 1000 * kKi},
    {"Mi", 1000 * kKi* kKi},
    {"Gi", 1000 * kKi* kKi* kKi},
    {"Ti", 1000 * kKi* kKi* kKi* kKi},
    {"Pi", 1000 * kKi* kKi* kKi* kKi* kKi},
};

struct Decimal {
    Wide digits = 0;  // without the point
    int scale = 0;    // how many of them stand behind it
};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// The number at the start of text, which is cut off. Eighteen digits are more than fit anyway.
std::optional<Decimal> take_decimal(std::string_view& text) {
    Decimal out;
    int digits = 0;
    bool point = false;
    std::size_t at = 0;
    for (; at < text.size(); ++at) {
        if (text[at] == '.' && !point) {
            point = true;
        } else if (is_digit(text[at])) {
            if (++digits > 18) {
                return std::nullopt;
            }
            out.digits = out.digits * 10 + static_cast<unsigned>(text[at] - '0');
            out.scale += point ? 1 : 0;
        } else {
            break;
        }
    }
    text.remove_prefix(at);
    return digits > 0 ? std::optional<Decimal>(out) : std::nullopt;
}

// "e3", "E-2": an exponent of ten instead of a suffix.
std::optional<int> take_exponent(std::string_view text) {
    if (text.size() < 2 || (text[0] != 'e' && text[0] != 'E')) {
        return std::nullopt;
    }
    text.remove_prefix(text[1] == '+' ? 2 : 1);
    int value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, code] = std::from_chars(text.data(), end, value);
    if (code != std::errc() || stop != end || value < -18 || value > 18) {
        return std::nullopt;
    }
    return value;
}

// digits × multiplier ÷ 10^scale, rounded up.
std::optional<std::int64_t> scaled(Decimal number, Wide multiplier, int scale) {
    Wide value = number.digits * multiplier;
    for (; scale < 0; ++scale) {
        value *= 10;
        if (value > static_cast<Wide>(std::numeric_limits<std::int64_t>::max())) {
            return std::nullopt;
        }
    }
    Wide divisor = 1;
    for (; scale > 0; --scale) {
        divisor *= 10;
    }
    value = (value + divisor - 1) / divisor;
    if (value > static_cast<Wide>(std::numeric_limits<std::int64_t>::max())) {
        return std::nullopt;
    }
    return static_cast<std::int64_t>(value);
}

std::optional<std::int64_t> parse_in(std::string_view text, std::int64_t unit_milli) {
    if (!text.empty() && text[0] == '+') {
        text.remove_prefix(1);
    }
    const auto number = take_decimal(text);
    if (!number) {
        return std::nullopt;
    }
    const auto divide = static_cast<Wide>(unit_milli);
    if (const auto exponent = take_exponent(text)) {
        return scaled(*number, 1000 / divide, number->scale - *exponent);
    }
    for (const Suffix& suffix : kSuffixes) {
        if (suffix.name == text) {
            const auto milli = static_cast<Wide>(suffix.multiplier);
            // Only "m" is finer than a unit; then the division is by thousand, as a scale.
            return milli >= divide ? scaled(*number, milli / divide, number->scale)
                                   : scaled(*number, 1, number->scale + 3);
        }
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::int64_t> parse_milli_quantity(std::string_view text) {
    return parse_in(text, 1);
}

std::optional<std::int64_t> parse_quantity(std::string_view text) {
    return parse_in(text, 1000);
}

std::optional<std::int64_t> parse_memory(std::string_view text) {
    const auto number = take_decimal(text);
    if (!number) {
        return std::nullopt;
    }
    std::string unit;
    for (const char c : text) {
        unit += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    static constexpr std::string_view kLetters = "kmgtp";
    std::int64_t multiplier = 1;
    if (!unit.empty() && unit != "b") {
        const std::size_t power = kLetters.find(unit[0]);
        const std::string_view rest = std::string_view(unit).substr(1);
        if (power == std::string_view::npos ||
            !(rest.empty() || rest == "b" || rest == "i" || rest == "ib")) {
            return std::nullopt;
        }
        for (std::size_t i = 0; i <= power; ++i) {
            multiplier *= kKi;
        }
    }
    return scaled(*number, static_cast<Wide>(multiplier), number->scale);
}

}  // namespace podreeve::manifests
