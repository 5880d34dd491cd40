#include "agent/plan/unit_stop.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <vector>

#include "manifests/companions.h"

namespace podreeve::plan {
namespace {

using std::chrono::seconds;

constexpr seconds kGrace{10};
constexpr seconds kWithin{90};
constexpr seconds kMostGrace{1'000'000};
constexpr double kMostSeconds = 1e6;  // some ten days, so that sums of it do not overflow

struct TimeUnit {
    std::string_view name;
    double seconds;
};

constexpr TimeUnit kTimeUnits[] = {
    {"", 1},         {"s", 1},         {"sec", 1},        {"second", 1},     {"seconds", 1},
    {"m", 60},       {"min", 60},      {"minute", 60},    {"minutes", 60},   {"h", 3600},
    {"hr", 3600},    {"hour", 3600},   {"hours", 3600},   {"d", 86400},      {"day", 86400},
    {"days", 86400}, {"w", 604800},    {"week", 604800},  {"weeks", 604800}, {"ms", 0.001},
    {"msec", 0.001}, {"us", 0.000001}, {"usec", 0.000001}};

std::string_view without_blanks(std::string_view text) {
    const std::size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
    return text.substr(begin);
}

// One "30s" of "1min 30s", taken off the text; nothing when it is none.
std::optional<double> take_part(std::string_view& text) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
    double number = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + digits, number, std::chars_format::fixed);
    if (digits == 0 || error != std::errc() || end != text.data() + digits) {
        return std::nullopt;
    }
    text = without_blanks(text.substr(digits));
    const std::size_t letters = std::min(text.find_first_of("0123456789. \t"), text.size());
    const auto* const unit =
        std::ranges::find(kTimeUnits, text.substr(0, letters), &TimeUnit::name);
    if (unit == std::end(kTimeUnits)) {
        return std::nullopt;
    }
    text = without_blanks(text.substr(letters));
    return number * unit->seconds;
}

// As systemd.time(7) has it; zero and "infinity" are for ever. Nothing for what systemd would not
// take.
std::optional<Duration> time_span(std::string_view text) {
    text = without_blanks(text);
    if (text == "infinity") {
        return Duration::max();
    }
    double sum = 0;
    do {
        const auto part = take_part(text);
        if (!part) {
            return std::nullopt;
        }
        sum += *part;
    } while (!text.empty());
    return sum == 0 ? Duration::max()
                    : std::chrono::duration_cast<Duration>(
                          std::chrono::duration<double>(std::min(sum, kMostSeconds)));
}

// TimeoutSec= sets both timeouts; the later assignment counts. systemd passes over one that it
// cannot read.
Duration systemd_patience(const quadlet::Unit& unit) {
    Duration within = kWithin;
    for (const quadlet::Setting& setting : unit.settings()) {
        const quadlet::Entry& entry = setting.entry;
        if (entry.section == "Service" &&
            (entry.key == "TimeoutStopSec" || entry.key == "TimeoutSec")) {
            within = time_span(entry.value).value_or(within);
        }
    }
    return within;
}

std::optional<seconds> whole_seconds(std::string_view text) {
    std::int32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = error == std::errc() && end == text.data() + text.size() && number >= 0;
    return whole ? std::optional(std::min(seconds(number), kMostGrace)) : std::nullopt;
}

// Podman is given what PodmanArgs= says behind what the other keys do.
seconds podman_grace(const quadlet::Unit& unit) {
    constexpr std::string_view kOption = "--stop-timeout";
    seconds grace =
        whole_seconds(unit.value(unit.section(), "StopTimeout").value_or("")).value_or(kGrace);
    const std::vector<std::string> words = unit.arguments(unit.section(), "PodmanArgs");
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string_view word = words[i];
        if (word == kOption && i + 1 < words.size()) {
            grace = whole_seconds(words[i + 1]).value_or(grace);
        } else if (word.starts_with(kOption) && word.substr(kOption.size()).starts_with('=')) {
            grace = whole_seconds(word.substr(kOption.size() + 1)).value_or(grace);
        }
    }
    return grace;
}

}  // namespace

UnitStop stop_of(const manifests::CompanionSpec& companion) {
    const std::optional<quadlet::Unit> unit = manifests::unit_of(companion, "/");
    if (!unit) {
        return {kGrace, kWithin, false};
    }
    return {podman_grace(*unit), systemd_patience(*unit),
            !unit->list("Service", "ExecStop").empty()};
}

}  // namespace podreeve::plan
