#pragma once

#include <string>
#include <vector>

#include "manifests/node.h"
#include "runtime/base/diagnostic.h"

namespace podreeve::manifests {

// What a manifest may cost at most. A file that is larger, deeper or has more nodes is refused
// before it can hurt; an alias counts with all it stands for.
inline constexpr std::size_t kMaxFileBytes = 1024 * 1024;
inline constexpr std::size_t kMaxDepth = 64;
inline constexpr std::size_t kMaxNodes = 10'000;

struct YamlStream {
    std::vector<NodePtr> documents;  // without those that hold nothing
    std::vector<Diagnostic> diagnostics;
    bool complete = true;  // false: not read to the end, documents hold what came before
};

// Reads all documents of text. Accepts a BOM, CRLF and JSON; refuses NUL, also escaped, and other
// control characters, bytes that are not UTF-8, duplicate keys, keys that are not scalars. After an
// error of syntax the rest of the file is not looked at. Never throws.
YamlStream read_yaml(const std::string& file, std::string_view text);

}  // namespace podreeve::manifests
