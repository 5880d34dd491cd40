#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace podreeve::manifests {

// Standard base64 with padding; line breaks and spaces are skipped, as folded YAML leaves them.
// Nothing when it is not that.
std::optional<std::string> decode_base64(std::string_view text);

std::string encode_base64(std::string_view bytes);

}  // namespace podreeve::manifests
