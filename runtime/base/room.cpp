#include "runtime/base/room.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <functional>

namespace podreeve {
namespace {

// Of strerror(), as C and Go write it.
constexpr std::array<std::string_view, 6> kPhrases{
    "no space left on device", "disk quota exceeded",    "read-only file system",
    "too many open files",     "cannot allocate memory", "database or disk is full"};

bool same_letter(char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == b;
}

}  // namespace

bool is_no_room(std::string_view message) {
    return std::ranges::any_of(kPhrases, [&](std::string_view phrase) {
        return std::search(message.begin(), message.end(), phrase.begin(), phrase.end(),
                           same_letter) != message.end();
    });
}

Duration shortened(Duration pause, const std::string& salt) {
    const auto draw = static_cast<int>(std::hash<std::string>{}(salt) % 201);
    return pause - pause * draw / 1000;
}

}  // namespace podreeve
