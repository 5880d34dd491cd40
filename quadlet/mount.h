#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "quadlet/unit.h"
#include "runtime/base/result.h"

namespace podreeve::quadlet {

// One value of Mount=, in podman's `--mount` syntax: fields with commas between, quoted as in CSV.
struct MountOption {
    std::string type;
    std::vector<std::string> fields;  // all but the type, as they stand
    // The types whose source may be a path beside the unit or another unit (volume, bind, glob,
    // image); the others are handed on as they are.
    bool wants_source = false;
    std::string source;  // the last source= or src=
};

// The mounts of one assignment, its words.
std::vector<std::string> mount_texts(const Setting& setting);

// A text without a type, or with broken quotes, is InvalidArgument.
Result<MountOption> parse_mount(std::string_view text);

// The text for podman, with source in the place of the mount's own.
std::string render_mount(const MountOption& mount, std::string_view source);

}  // namespace podreeve::quadlet
