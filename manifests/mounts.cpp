#include "manifests/mounts.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "runtime/base/nearest.h"

namespace podreeve::manifests {
namespace {

const std::vector<std::string>& option_words() {
    static const std::vector<std::string> kWords = {
        "U",      "Z",           "bind",    "dev",    "exec",  "idmap",    "nodev",
        "noexec", "nosuid",      "private", "rbind",  "ro",    "rprivate", "rshared",
        "rslave", "runbindable", "rw",      "shared", "slave", "suid",     "unbindable",
        "z",      "copy",        "nocopy",  "O"};
    return kWords;
}

bool has_value(const std::string& option, const char* name) {
    return option.rfind(std::string(name) + "=", 0) == 0 && option.back() != '=';
}

}  // namespace

void read_mount_option(const Place& place, const std::string& option, Mount& mount) {
    if (option == "ro" || option == "rw") {
        mount.read_only = option == "ro" || mount.read_only;
        return;
    }
    const bool tmpfs_option =
        mount.kind == MountKind::Tmpfs && (has_value(option, "size") || has_value(option, "mode") ||
                                           option == "notmpcopyup" || option == "tmpcopyup");
    const std::vector<std::string>& words = option_words();
    if (!tmpfs_option && std::find(words.begin(), words.end(), option) == words.end()) {
        place.fail(fmt::format("'{}' is not a mount option", option),
                   fmt::format("{}", fmt::join(words, ", ")), nearest_name(option, words));
        return;
    }
    mount.options.push_back(option);
}

bool read_mount_target(const Place& place, Mount& mount) {
    const auto text = place.required_text();
    if (!text) {
        return false;
    }
    const std::size_t colon = std::min(text->find(':'), text->size());
    std::string options = colon < text->size() ? text->substr(colon + 1) : "";
    const auto target = place.as_absolute_path(text->substr(0, colon));
    if (!target) {
        return false;
    }
    if (*target == "/") {
        place.fail("'/' cannot be mounted over");
        return false;
    }
    mount.target = *target;
    while (!options.empty()) {
        const std::size_t comma = std::min(options.find(','), options.size());
        read_mount_option(place, options.substr(0, comma), mount);
        options.erase(0, comma + 1);
    }
    return true;
}

void check_target_is_free(const Place& place, const std::vector<Mount>& mounts) {
    const auto same = [&](const Mount& m) { return m.target == mounts.back().target; };
    if (std::any_of(mounts.begin(), mounts.end() - 1, same)) {
        place.fail(fmt::format("there is a volume at {} already", mounts.back().target));
    }
}

}  // namespace podreeve::manifests
