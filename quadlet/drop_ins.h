#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace podreeve::quadlet {

// Whether a file of that name in a drop-in folder is one. Its name stands in JSON, in messages and
// in systemd's properties, so that it has to be text.
bool is_drop_in_name(std::string_view name);

// The folders in which drop-ins of a file may lie, beside the file or in any of Quadlet's other
// directories, the most particular first. For a-b@c.container: a-b@c.container.d,
// a-b@.container.d, a-@.container.d, a-.container.d, container.d. Borrowed from podman 5.2 and
// later, and so from systemd.unit(5).
std::vector<std::string> drop_in_folders(std::string_view file_name);

// A drop-in that was found: in which of drop_in_folders(), how it is called, where it is.
struct FoundDropIn {
    std::string folder;
    std::string name;
    std::string path;
    friend bool operator==(const FoundDropIn&, const FoundDropIn&) = default;
};

// Those of the found drop-ins that count, in the order in which they are merged: only *.conf; of
// several with one name that in the most particular folder, and of two in folders of one name the
// one found first; then by name.
std::vector<FoundDropIn> effective_drop_ins(std::string_view file_name,
                                            const std::vector<FoundDropIn>& found);

}  // namespace podreeve::quadlet
