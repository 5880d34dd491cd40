#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "quadlet/keys.h"

namespace podreeve::quadlet {

// What is wrong with a value, and what may stand there.
struct BadValue {
    std::string message;
    std::string allowed;
    std::string nearest;
};

// Nothing when the value is of the key's kind, or holds a specifier, or is empty, which takes back
// what was set before.
std::optional<BadValue> check_value(const Key& key, std::string_view value);

}  // namespace podreeve::quadlet
