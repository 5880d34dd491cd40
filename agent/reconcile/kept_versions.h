#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>

#include "agent/handlers/spec_book.h"
#include "agent/state/state.h"
#include "manifests/source.h"
#include "runtime/base/disk_directory.h"

namespace podreeve::reconcile {

// The versions that something can lead back to: the one wanted, the one deployed, those of the
// companions, of every change that can still be undone, and the last that ran. Their manifests are
// kept on the disk, all others go; of what only ran once, one with secrets goes too (its hash stays
// in the list). So it is with the former texts of unit files, which only undoing needs. The pass
// thread.
class KeptVersions {
  public:
    // units: where former unit files are kept, by app; empty: nowhere.
    KeptVersions(manifests::ManifestSource& source,
                 handlers::SpecBook& specs,
                 const state::State& state,
                 DiskDirectory units = {});

    // Lets go what nothing leads back to. For a pass after which nothing is under way.
    void trim();
    // The app is gone with all that it was.
    void forget(const std::string& app);
    // The same of those that went while no agent ran, or before they were ever recorded, unless
    // something is under way on them.
    void forget_others(const std::set<std::string>& apps);

  private:
    bool is_needed(const std::string& app) const;

    manifests::ManifestSource& source_;
    handlers::SpecBook& specs_;
    const state::State& state_;
    DiskDirectory units_;
    std::optional<std::uint64_t> trimmed_at_;  // the state's rows by then
    // What forget_others() has looked at: the disk is asked again once either is another.
    std::optional<std::uint64_t> others_at_;
    std::set<std::string> others_but_;
};

// What undoing that change leads back to, and what it led to.
std::set<std::string> versions_of(const state::ChangeView& change);

}  // namespace podreeve::reconcile
