#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace podreeve {

// The candidate within an edit distance that a typing slip explains, or empty: what an error
// message may ask after "did you mean". Letters' case costs nothing.
std::string nearest_name(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace podreeve
