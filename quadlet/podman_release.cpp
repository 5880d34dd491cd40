#include "quadlet/podman_release.h"

#include <charconv>

#include <fmt/format.h>

namespace podreeve::quadlet {
namespace {

// Takes digits, and the dot behind them, off the start of text.
bool take_number(std::string_view& text, int& number) {
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec != std::errc() || number < 0) {
        return false;
    }
    text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
    if (text.starts_with('.')) {
        text.remove_prefix(1);
    }
    return true;
}

}  // namespace

std::optional<PodmanRelease> parse_release(std::string_view text) {
    PodmanRelease release;
    if (!take_number(text, release.major) || !take_number(text, release.minor)) {
        return std::nullopt;
    }
    take_number(text, release.patch);
    return release;
}

std::string to_text(const PodmanRelease& release) {
    const std::string text = fmt::format("{}.{}", release.major, release.minor);
    return release.patch == 0 ? text : fmt::format("{}.{}", text, release.patch);
}

}  // namespace podreeve::quadlet
