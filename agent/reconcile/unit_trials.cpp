#include "agent/reconcile/unit_trials.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "agent/plan/unit_decision.h"
#include "runtime/base/atomic_file.h"
#include "runtime/base/log.h"

namespace podreeve::reconcile {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kTryWithin{20};
constexpr const char* kTrialFolder = "quadlet-trial";

// As install-unit writes it.
Status write_unit(const fs::path& folder,
                  const manifests::CompanionSpec& companion,
                  const plan::CompanionView& view) {
    ASSIGN_OR_RETURN(const plan::UnitTexts texts,
                     plan::unit_texts(companion, view.app, 1, "", view.own_drop_in));
    for (const auto& [file, text] : texts) {
        const fs::path path = folder / file;
        std::error_code error;
        fs::create_directories(path.parent_path(), error);
        RETURN_IF_ERROR(write_file_atomically(path, text, 0600));
    }
    return {};
}

Status write_trial(const fs::path& folder, const plan::CompanionViews& views) {
    for (const auto& [name, spec] : views.specs) {
        for (const manifests::CompanionSpec& companion : spec->companions) {
            const plan::CompanionView* view = views.find(companion.part);
            if (view != nullptr && view->wrong.empty()) {
                RETURN_IF_ERROR(write_unit(folder / name, companion, *view));
            }
        }
    }
    return {};
}

// The generator's words on a file of which it has made nothing.
std::string complaint(const systemd::DryRun& run, const std::string& part) {
    const auto reported = run.errors.find(part);
    return reported != run.errors.end()
               ? fmt::format("Quadlet refuses {}: {}", part, fmt::join(reported->second, "; "))
               : fmt::format("Quadlet would make no service of {}", part);
}

std::map<std::string, std::string> complaints(const systemd::DryRun& run,
                                              const plan::CompanionViews& views) {
    std::set<std::string> made;
    for (const auto& [service, source] : run.sources) {
        made.insert(source.filename().string());
    }
    std::map<std::string, std::string> out;
    for (const auto& [part, view] : views.by_part) {
        if (view.wrong.empty() && !made.contains(part)) {
            out[part] = complaint(run, part);
        }
    }
    return out;
}

}  // namespace

// By what would be written: a manifest that is read anew has other specs of the same text.
bool UnitTrials::is_due(const plan::CompanionViews& views) const {
    const bool same =
        std::ranges::equal(tried_, views.by_part, [](const auto& tried, const auto& row) {
            return tried.first == row.first && tried.second == row.second.files;
        });
    return !same || (pause_ != Duration{} && clock_.steady_now() >= next_try_);
}

void UnitTrials::remove_trial() const {
    const auto scratch = scratch_.use();
    std::error_code error;
    fs::remove_all(scratch / kTrialFolder, error);
}

// The folder that holds it.
Result<fs::path> UnitTrials::make_trial(const plan::CompanionViews& views) const {
    const auto scratch = scratch_.use();
    fs::path folder = scratch / kTrialFolder;
    RETURN_IF_ERROR(write_trial(folder, views));
    return folder;
}

Result<systemd::DryRun> UnitTrials::try_out(const plan::CompanionViews& views,
                                            const systemd::QuadletGenerator& generator,
                                            std::stop_token stop) const {
    remove_trial();
    const Result<fs::path> folder = make_trial(views);
    Result<systemd::DryRun> run = folder ? run_(generator, {*folder}, {kTryWithin, std::move(stop)})
                                         : Result<systemd::DryRun>(folder.error());
    remove_trial();
    return run;
}

// What was said of a text holds as long as that is the same.
void UnitTrials::forget_changed(const plan::CompanionViews& views) {
    std::erase_if(refused_, [&](const auto& row) {
        const auto tried = tried_.find(row.first);
        const auto view = views.by_part.find(row.first);
        return tried == tried_.end() || view == views.by_part.end() ||
               tried->second != view->second.files;
    });
}

void UnitTrials::failed(const Error& why) {
    pause_ = pause_ == Duration{} ? Duration(kFirstPause)
                                  : std::min<Duration>(pause_ * 2, kLongestPause);
    next_try_ = clock_.steady_now() + pause_;
    log::warn("cannot try the companions with Quadlet's generator: {}; next try in {}", why.message,
              to_short_text(pause_));
}

const std::map<std::string, std::string>& UnitTrials::refused(
    const plan::CompanionViews& views,
    const systemd::QuadletGenerator& generator,
    std::stop_token stop) {
    if (!is_due(views)) {
        return refused_;
    }
    const Result<systemd::DryRun> run = try_out(views, generator, stop);
    if (!run && stop.stop_requested()) {
        return refused_;  // the agent ends, or nobody waits any more: that says nothing
    }
    forget_changed(views);
    tried_.clear();
    for (const auto& [part, view] : views.by_part) {
        tried_[part] = view.files;
    }
    if (!run) {
        failed(run.error());
        return refused_;
    }
    pause_ = {};
    refused_ = complaints(*run, views);
    return refused_;
}

}  // namespace podreeve::reconcile
