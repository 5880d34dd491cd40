#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "agent/handlers/spec_book.h"
#include "agent/state/state.h"
#include "manifests/source.h"

namespace podreeve::reconcile {

// The versions that something can lead back to: the one wanted, the one deployed, those of the
// companions, of every change that can still be undone, and the last that ran. Their manifests are
// kept on the disk, all others go; of what only ran once, one with secrets goes too (its hash stays
// in the list). The pass thread.
class KeptVersions {
  public:
    KeptVersions(manifests::ManifestSource& source,
                 handlers::SpecBook& specs,
                 const state::State& state);

    // Lets go what nothing leads back to. For a pass after which nothing is under way.
    void trim();
    // The app is gone with all that it was.
    void forget(const std::string& app);
    // The same of those that went while no agent ran, or before they were ever recorded.
    void forget_others(const std::set<std::string>& apps);

  private:
    manifests::ManifestSource& source_;
    handlers::SpecBook& specs_;
    const state::State& state_;
    std::optional<std::uint64_t> trimmed_at_;  // the state's rows by then
};

// What undoing that change leads back to, and what it led to.
std::set<std::string> versions_of(const state::ChangeView& change);

}  // namespace podreeve::reconcile
