#pragma once

#include <string>
#include <utility>
#include <vector>

namespace podreeve::manifests {

// The text of a unit file that a companion is made of, with that of its drop-ins.
struct UnitSource {
    std::string path;
    std::string text;
    // Path and text, in the order in which Quadlet merges them.
    std::vector<std::pair<std::string, std::string>> drop_ins;
    std::string trouble = {};  // why the file may not be read; then nothing is known of its text
    friend bool operator==(const UnitSource&, const UnitSource&) = default;
};

}  // namespace podreeve::manifests
