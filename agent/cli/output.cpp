#include "agent/cli/output.h"

#include <cstdio>
#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "runtime/base/clock.h"
#include "runtime/base/paths.h"

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

}  // namespace

Colour colour_of_state(std::string_view state) {
    if (state == "Running" || state == "Finished" || state == "Skipped") {
        return Colour::Green;
    }
    const bool bad =
        state == "Failed" || state == "CrashLoop" || state == "Unknown" || state == "absent";
    return bad ? Colour::Red : Colour::Yellow;
}

std::string paint(std::string_view text, Colour colour) {
    if (colour == Colour::None || !colours_wanted()) {
        return std::string(text);
    }
    return fmt::format("\x1b[{}m{}\x1b[0m", code_of(colour), text);
}

void print(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    if (text.empty() || text.back() != '\n') {
        std::fputc('\n', stdout);
    }
    std::fflush(stdout);
}

void print_json(const nlohmann::json& value) {
    print(value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

int print_error(const Error& error, bool json) {
    if (json) {
        print_json({{"error", {{"code", to_string(error.code)}, {"message", error.message}}}});
    }
    fmt::print(stderr, "podreeve: {}\n", error.message);
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
