#include "quadlet/drop_ins.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "runtime/base/utf8.h"

namespace podreeve::quadlet {

bool is_drop_in_name(std::string_view name) {
    return clean_text(name) == name;
}

std::vector<std::string> drop_in_folders(std::string_view file_name) {
    const std::size_t dot = file_name.rfind('.');
    if (dot == std::string_view::npos) {
        return {};
    }
    const std::string ending = fmt::format("{}.d", file_name.substr(dot));
    const std::string_view stem = file_name.substr(0, dot);
    const std::size_t at = stem.find('@');
    const bool templated = at != std::string_view::npos;
    const std::string_view prefix = stem.substr(0, at);
    std::vector<std::string> folders = {fmt::format("{}.d", file_name)};
    if (templated && at + 1 < stem.size()) {
        folders.push_back(fmt::format("{}@{}", prefix, ending));
    }
    // Only the part before the @ is shortened, dash by dash.
    std::size_t end = prefix.size();
    while (end > 0) {
        const std::size_t dash = prefix.rfind('-', end - 1);
        if (dash == std::string_view::npos) {
            break;
        }
        const std::string_view shortened = prefix.substr(0, dash + 1);
        if (templated) {
            folders.push_back(fmt::format("{}@{}", shortened, ending));
        }
        folders.push_back(fmt::format("{}{}", shortened, ending));
        end = dash;
    }
    folders.push_back(ending.substr(1));
    // A name that ends in a dash is its own shortened form.
    std::vector<std::string> unique;
    for (std::string& folder : folders) {
        if (std::find(unique.begin(), unique.end(), folder) == unique.end()) {
            unique.push_back(std::move(folder));
        }
    }
    return unique;
}

std::vector<FoundDropIn> effective_drop_ins(std::string_view file_name,
                                            const std::vector<FoundDropIn>& found) {
    std::map<std::string, FoundDropIn> chosen;
    for (const std::string& folder : drop_in_folders(file_name)) {
        for (const FoundDropIn& each : found) {
            if (each.folder == folder && each.name.ends_with(".conf")) {
                chosen.emplace(each.name, each);
            }
        }
    }
    std::vector<FoundDropIn> ordered;
    for (auto& [name, each] : chosen) {
        ordered.push_back(std::move(each));
    }
    return ordered;
}

}  // namespace podreeve::quadlet
