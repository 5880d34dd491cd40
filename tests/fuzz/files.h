#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace podreeve::fuzz {

// Several files in one input: each but the first begins behind a line "#### its-name". Such a line
// is a comment in YAML and in unit files, so that one file is an input as it is.
struct File {
    std::string name;  // empty: the first
    std::string text;
};

inline std::vector<File> files_in(std::string_view bytes) {
    constexpr std::string_view kMark = "#### ";
    constexpr std::size_t kMost = 6;
    std::vector<File> out(1);
    while (!bytes.empty()) {
        const std::size_t end = bytes.find('\n');
        const std::string_view line = bytes.substr(0, end);
        if (line.starts_with(kMark) && out.size() < kMost) {
            out.push_back({std::string(line.substr(kMark.size())), ""});
        } else {
            out.back().text += bytes.substr(0, end == bytes.npos ? end : end + 1);
        }
        bytes.remove_prefix(end == bytes.npos ? bytes.size() : end + 1);
    }
    return out;
}

}  // namespace podreeve::fuzz
