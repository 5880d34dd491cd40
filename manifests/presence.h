#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <sys/types.h>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "manifests/directory_look.h"
#include "runtime/base/clock.h"

// What may be believed of what is not to be seen. Of a directory: that a name is gone from it, when
// it is the directory of its last complete look (device, inode and boot), or another that holds at
// least one manifest last seen in it, as when a link is swapped. One that is not there, is another
// and empty of those, or cannot be listed or searched, says nothing. Of a name in a directory that
// is believed: that it is gone, when two looks a while apart did not see it and nothing was made or
// removed in between; a file that is replaced by unlink and create is away for a moment.
namespace podreeve::manifests {

struct DirectoryId {
    dev_t device = 0;
    ino_t inode = 0;
    std::string boot;  // device numbers mean something within one boot only
    // One that was not there has neither.
    friend bool operator==(const DirectoryId&, const DirectoryId&) = default;
};

struct PresenceRules {
    std::string boot;                      // of this boot of the machine
    std::filesystem::path volatile_below;  // what is below is new after each boot
    Duration gone_after{};                 // how far the two looks are apart
};

class PresenceTracker {
  public:
    explicit PresenceTracker(PresenceRules rules) : rules_(std::move(rules)) {}

    // A manifest that was in force when an earlier run ended.
    void expect(const std::filesystem::path& file);

    // Adds to the looks, as missing, what is not known to be gone.
    void take(std::vector<DirectoryLook>& looks, SteadyTime now);

    // A person said that what is out of sight there is gone.
    void forget(const std::filesystem::path& file);

    // Directories that are not believed though they could be looked for, and why.
    const std::map<std::filesystem::path, std::string>& doubts() const { return doubts_; }

    // Why a directory is not believed, also one that cannot be read: "cannot be read: …"; empty: it
    // is believed.
    std::string doubt_about(const std::filesystem::path& directory) const;

    // When another look could find something gone.
    std::optional<SteadyTime> look_again() const { return look_again_; }

    // The directories as they were last believed, to be remembered over a restart.
    nlohmann::json to_json() const;
    void recall(const nlohmann::json& kept);

    // In a directory that never rests: seen in no look for so long is gone as well.
    static constexpr std::chrono::minutes kLongest{5};

  private:
    struct Missing {
        SteadyTime since, quiet_since;
        std::int64_t changed_ns = 0;  // of the directory it is missing in
    };

    struct Place {
        std::optional<DirectoryId> id;
        std::map<std::string, SeenName> entries;  // as last seen, those that are missing too
        std::map<std::string, Missing> missing;
        std::set<std::string> strangers;  // of the entries, those first seen while it was in doubt
    };

    std::string doubt_of(const Place& place, const DirectoryLook& look) const;
    bool is_new_since_boot(const Place& place, const std::filesystem::path& path) const;
    void carry_all(Place& place, DirectoryLook& look);
    void carry_missing(Place& place, DirectoryLook& look, SteadyTime now);
    bool is_gone(Missing& missing, std::int64_t changed_ns, SteadyTime now);

    PresenceRules rules_;
    std::map<std::filesystem::path, Place> places_;
    std::map<std::filesystem::path, std::string> doubts_, troubles_;
    std::optional<SteadyTime> look_again_;
};

}  // namespace podreeve::manifests
