#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/plan/companion_views.h"
#include "runtime/base/clock.h"
#include "runtime/base/disk_directory.h"
#include "runtime/systemd/quadlet_generator.h"

namespace podreeve::reconcile {

using DryRunner = std::function<Result<systemd::DryRun>(const systemd::QuadletGenerator&,
                                                        const std::vector<std::filesystem::path>&,
                                                        const systemd::Call&)>;

// Tries units with Quadlet's own generator before they are installed: once for each set of texts,
// since what it says of them does not change. One that cannot be run, or does not end, refuses
// no text that it has not refused before, and is asked of the same texts again after a minute,
// doubling to an hour: the pass waits for it. One pass at a time.
class UnitTrials {
  public:
    // scratch: a folder of the agent's own.
    UnitTrials(DiskDirectory scratch, const Clock& clock, DryRunner run = &systemd::dry_run)
        : scratch_(std::move(scratch)), clock_(clock), run_(std::move(run)) {}

    // The units that it would not take, by part, and why. Blocks.
    const std::map<std::string, std::string>& refused(const plan::CompanionViews& views,
                                                      const systemd::QuadletGenerator& generator,
                                                      std::stop_token stop);

    // What was said last.
    const std::map<std::string, std::string>& refused() const { return refused_; }

    static constexpr std::chrono::minutes kFirstPause{1};
    static constexpr std::chrono::hours kLongestPause{1};

  private:
    bool is_due(const plan::CompanionViews& views) const;
    Result<systemd::DryRun> try_out(const plan::CompanionViews& views,
                                    const systemd::QuadletGenerator& generator,
                                    std::stop_token stop) const;
    void remove_trial() const;
    Result<std::filesystem::path> make_trial(const plan::CompanionViews& views) const;
    void forget_changed(const plan::CompanionViews& views);
    void failed(const Error& why);

    DiskDirectory scratch_;
    const Clock& clock_;
    DryRunner run_;
    // What refused_ is about, or what could not be tried: files by part.
    std::map<std::string, std::vector<plan::UnitFileView>> tried_;
    std::map<std::string, std::string> refused_;
    Duration pause_{};  // zero: the last try said something
    SteadyTime next_try_{};
};

}  // namespace podreeve::reconcile
