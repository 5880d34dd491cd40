#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "runtime/base/error.h"

// What commands print: results on stdout, errors on stderr, colour only on a terminal (and never
// with $NO_COLOR set).
namespace podreeve::cli {

enum class Colour { None, Green, Yellow, Red, Bold, Dim };

// Exit codes of every command: 0 done, 1 an error, 2 it would change (diff).
inline constexpr int kOk = 0;
inline constexpr int kError = 1;
inline constexpr int kDiffers = 2;

// Of an app: green when it is as wanted, red when it cannot be.
Colour colour_of_state(std::string_view state);

// What names and messages hold comes from files, from podman and from apps, and a terminal obeys
// control characters: they are shown as \x1b, \u0085 or \n, and bytes that are not UTF-8 as \xff.
enum class Lines { Keep, Escape };
std::string escaped(std::string_view text, Lines lines);

// Text in a colour, for print alone: the colour's marks mean nothing elsewhere.
std::string paint(std::string_view text, Colour colour);
// All that goes to stdout, escaped. A failure is kept for take_output_error.
void print(std::string_view text);
// Since the last take_output_error something could not be written: what goes on printing can end.
bool output_failed();
// exit_code, or that of an error when what was printed has not reached stdout; then it is told.
int take_output_error(int exit_code);
// One line on stderr.
void print_complaint(std::string_view text);
// Apps that are not as their manifests say: [{app, message}].
void print_degraded(const nlohmann::json& apps);
void print_json(const nlohmann::json& value);
// "podreeve: cannot …" on stderr; gives the exit code. With json also {"error": …} on stdout.
int print_error(const Error& error, bool json);

// "3m" since that RFC 3339 time, by the clock of this machine.
std::string age(const std::string& since);

}  // namespace podreeve::cli
