#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace podreeve {

// Shorter ones would blot out half of all words.
inline constexpr std::size_t kLeastSecret = 4;

// text, in which "[secret]" stands for each of them that has kLeastSecret bytes or more: as it is,
// without the white space around it, each longer line of it, and all that as clean_text(), Go's %q
// or JSON write it. The beginning of one at the end of text is taken for one that was cut off.
std::string without_secrets(const std::string& text, const std::vector<std::string>& secrets);

}  // namespace podreeve
