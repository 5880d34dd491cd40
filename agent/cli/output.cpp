#include "agent/cli/output.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <optional>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "runtime/base/clock.h"
#include "runtime/base/json_text.h"
#include "runtime/base/paths.h"
#include "runtime/base/utf8.h"

namespace podreeve::cli {
namespace {

bool colours_wanted() {
    static const bool wanted = ::isatty(STDOUT_FILENO) == 1 && !process_environment()("NO_COLOR");
    return wanted;
}

const char* code_of(Colour colour) {
    switch (colour) {
        case Colour::Green:
            return "32";
        case Colour::Yellow:
            return "33";
        case Colour::Red:
            return "31";
        case Colour::Bold:
            return "1";
        case Colour::Dim:
            return "2";
        case Colour::None:
            break;
    }
    return "0";
}

// Before a colour's code, from paint to print: a byte that no UTF-8 text holds, so that nothing
// that is printed can pass for it.
constexpr char kBrush = '\xFF';
constexpr std::array<std::string_view, 6> kStrokes{"0m", "1m", "2m", "31m", "32m", "33m"};

bool is_stroke(std::string_view text) {
    return text.front() == kBrush &&
           std::any_of(kStrokes.begin(), kStrokes.end(),
                       [&](std::string_view stroke) { return text.substr(1).starts_with(stroke); });
}

// How many bytes the character at the start of text has; 0 when it is not UTF-8.
std::size_t length_at(std::string_view text) {
    for (std::size_t length = 1; length <= 4 && length <= text.size(); ++length) {
        if (is_utf8(text.substr(0, length))) {
            return length;
        }
    }
    return 0;
}

// U+0080 to U+009F: some terminals take them for the start of a sequence.
bool is_high_control(std::string_view character) {
    return character.size() == 2 && character[0] == '\xC2' &&
           static_cast<unsigned char>(character[1]) < 0xA0;
}

std::string escaped_character(std::string_view character, Lines lines) {
    const auto last = static_cast<unsigned char>(character.back());
    if (character == "\t" || (character == "\n" && lines == Lines::Keep)) {
        return std::string(character);
    }
    if (character == "\n") {
        return "\\n";
    }
    if (last == 0x7F || is_high_control(character)) {
        return fmt::format("\\u{:04x}", last);  // as JSON writes it: JSON is printed here, too
    }
    return last < 0x20 ? fmt::format("\\x{:02x}", last) : std::string(character);
}

std::string rendered(std::string_view text, Lines lines, bool with_strokes) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const std::size_t length = std::max<std::size_t>(1, length_at(text));
        if (with_strokes && is_stroke(text)) {
            out += "\x1b[";
        } else if (length_at(text) == 0) {
            out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text.front()));
        } else {
            out += escaped_character(text.substr(0, length), lines);
        }
        text.remove_prefix(length);
    }
    return out;
}

bool write_line(std::FILE* to, std::string line) {
    if (line.empty() || line.back() != '\n') {
        line += '\n';
    }
    return std::fwrite(line.data(), 1, line.size(), to) == line.size() && std::fflush(to) == 0;
}

std::optional<int> output_error;  // errno of the first that failed

}  // namespace

Colour colour_of_state(std::string_view state) {
    if (state == "Running" || state == "Finished" || state == "Skipped") {
        return Colour::Green;
    }
    const bool bad =
        state == "Failed" || state == "CrashLoop" || state == "Unknown" || state == "absent";
    return bad ? Colour::Red : Colour::Yellow;
}

std::string escaped(std::string_view text, Lines lines) {
    return rendered(text, lines, false);
}

std::string paint(std::string_view text, Colour colour) {
    if (colour == Colour::None || !colours_wanted()) {
        return std::string(text);
    }
    return fmt::format("{0}{1}m{2}{0}0m", kBrush, code_of(colour), escaped(text, Lines::Keep));
}

void print(std::string_view text) {
    if (!write_line(stdout, rendered(text, Lines::Keep, colours_wanted())) && !output_error) {
        output_error = errno;
    }
}

void print_degraded(const nlohmann::json& apps) {
    for (const nlohmann::json& app : apps) {
        const std::string name = app.value("app", "");
        print(paint(
            fmt::format("{} {}; `podreeve why {}` says more", name, app.value("message", ""), name),
            Colour::Red));
    }
}

bool output_failed() {
    return output_error.has_value();
}

int take_output_error(int exit_code) {
    if (!output_error) {
        return exit_code;
    }
    return print_error(errno_error("write the output", *std::exchange(output_error, std::nullopt)),
                       false);
}

void print_complaint(std::string_view text) {
    write_line(stderr, escaped(text, Lines::Escape));
}

void print_json(const nlohmann::json& value) {
    print(indented_json_text(value));
}

int print_error(const Error& error, bool json) {
    if (json) {
        print_json({{"error", {{"code", to_string(error.code)}, {"message", error.message}}}});
    }
    print_complaint("podreeve: " + error.message);
    return traits(error.code).exit_code;
}

std::string age(const std::string& since) {
    const Result<WallTime> time = parse_rfc3339(since);
    if (!time) {
        return "-";
    }
    const Duration passed = SystemClock().system_now() - *time;
    return passed < std::chrono::seconds(1) ? "now" : to_short_text(passed);
}

}  // namespace podreeve::cli
