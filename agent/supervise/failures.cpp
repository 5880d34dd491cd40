#include "agent/supervise/failures.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/state/state.h"
#include "runtime/base/digest.h"
#include "runtime/base/json_text.h"
#include "runtime/base/room.h"

namespace podreeve::supervise {
namespace {

Duration delay(int count, std::chrono::seconds first, std::chrono::seconds longest) {
    return std::min<Duration>(first * (1 << std::min(count - 1, 10)), longest);
}

// Each try of it takes down once more what works.
bool took_down(const state::ChangeView& change) {
    return change.kind == "deploy-companions" && change.status == state::TaskStatus::Error &&
           std::any_of(change.tasks.begin(), change.tasks.end(), [](const state::TaskView& task) {
               return task.kind == "restart-unit" && task.status != state::TaskStatus::Hold;
           });
}

// The reason of the first task that failed, in one line; `podreeve change` tells all.
std::string reason_of(const state::ChangeView& change) {
    std::string reason;
    std::size_t failed = 0;
    for (const state::TaskView& task : change.tasks) {
        const auto line = std::find_if(task.log.rbegin(), task.log.rend(),
                                       [](const state::LogLine& one) { return one.is_error; });
        if (task.status == state::TaskStatus::Error && line != task.log.rend()) {
            reason = failed++ == 0 ? line->text : reason;
        }
    }
    std::replace(reason.begin(), reason.end(), '\n', ' ');
    return failed < 2
               ? reason
               : fmt::format("{} (and {} more: podreeve change {})", reason, failed - 1, change.id);
}

std::string why_failed(const state::ChangeView& change) {
    for (std::string& why : std::array{reason_of(change), change.error}) {
        if (!why.empty()) {
            return std::move(why);
        }
    }
    return fmt::format("change {} was aborted", change.id);
}

// Why a person does not want what that change was to bring; nothing: nobody has said so.
std::string refusal(const state::ChangeView& change, const nlohmann::json& data) {
    if (change.kind == state::kUndoKind && change.status == state::TaskStatus::Undone &&
        text_in(data, "undoes_kind").starts_with("deploy-")) {
        return fmt::format("it was undone by change {}", change.id);
    }
    if (change.kind.starts_with("deploy-") && change.status != state::TaskStatus::Done &&
        flag_in(data, state::kAbortedByPerson)) {
        return fmt::format("change {} was aborted", change.id);
    }
    return {};
}

}  // namespace

std::string fingerprint(const plan::AppPlan& plan) {
    std::string text = fmt::format("{}\n{}\n", plan.spec, to_string(plan.action));
    for (const plan::Step& step : plan.steps) {
        text += fmt::format("{} {} {}\n", to_string(step.kind), step.object, step.part);
    }
    return sha256_hex(text).substr(0, 16);
}

bool is_refused(const state::ChangeView& change) {
    return !refusal(change, json_object_from(change.data)).empty();
}

std::string to_text(const Failure& failure) {
    return failure.until == kUntilChanged
               ? fmt::format("{}; change the manifest, or `podreeve reconcile` deploys it again",
                             failure.message)
               : fmt::format("{}; next try at {}", failure.message, to_rfc3339(failure.until));
}

void Failures::note(const state::ChangeView& change, WallTime ended) {
    const nlohmann::json data = json_object_from(change.data);
    const std::string spec = text_in(data, "spec");
    const Failure* before = last_of(change.subject, spec);
    if (change.status == state::TaskStatus::Done) {
        std::erase_if(last_[change.subject], [&](const auto& row) { return row.spec == spec; });
        refused_[change.subject].erase(spec);
        return;
    }
    Failure failure{spec, text_in(data, "fingerprint"), refusal(change, data), 1, {}, change.kind};
    if (!failure.message.empty()) {
        failure.until = kUntilChanged;
        refused_[change.subject][spec] = std::move(failure);
        return;
    }
    failure.message = why_failed(change);
    failure.count = before != nullptr ? before->count + 1 : 1;
    const Duration hold = took_down(change) ? delay(failure.count, kFirstRestart, kLongestRestart)
                                            : delay(failure.count, kFirstRetry, kLongestRetry);
    // A full disk refuses all apps at once.
    failure.until = ended + (is_no_room(failure.message)
                                 ? shortened(hold, fmt::format("{}/{}", change.subject, change.id))
                                 : hold);
    put(change.subject, std::move(failure));
}

void Failures::put(const std::string& app, Failure failure) {
    std::erase_if(last_[app], [&](const Failure& row) { return row.spec == failure.spec; });
    last_[app].push_back(std::move(failure));
}

void Failures::note_conflict(const std::string& app,
                             const std::string& spec,
                             const std::string& message,
                             WallTime now) {
    put(app, {spec, "", message, 1, now + kConflictRetry, kConflictKind});
}

std::vector<Failure> Failures::of(const std::string& app) const {
    std::vector<Failure> out;
    if (const auto refused = refused_.find(app); refused != refused_.end()) {
        for (const auto& [spec, failure] : refused->second) {
            out.push_back(failure);
        }
    }
    if (const auto failed = last_.find(app); failed != last_.end()) {
        out.insert(out.end(), failed->second.begin(), failed->second.end());
    }
    return out;
}

const Failure* Failures::last_of(const std::string& app, const std::string& spec) const {
    const auto failed = last_.find(app);
    if (failed == last_.end()) {
        return nullptr;
    }
    const auto row = std::ranges::find(failed->second, spec, &Failure::spec);
    return row == failed->second.end() ? nullptr : &*row;
}

bool Failures::holds(const std::string& app, const std::string& spec, WallTime now) const {
    const auto failures = of(app);
    return std::any_of(failures.begin(), failures.end(), [&](const Failure& failure) {
        return failure.spec == spec && now < failure.until;
    });
}

bool Failures::holds(const plan::AppPlan& plan, WallTime now) const {
    // What a person refused is not done in other steps either.
    const auto refused = refused_.find(plan.subject());
    if (refused != refused_.end() && refused->second.contains(plan.spec) &&
        plan.action == plan::AppAction::Deploy) {
        return true;
    }
    const Failure* failure = last_of(plan.subject(), plan.spec);
    return failure != nullptr && now < failure->until && failure->fingerprint == fingerprint(plan);
}

void Failures::forget(const std::optional<std::string>& app) {
    if (app) {
        last_.erase(*app);
        refused_.erase(*app);
    } else {
        last_.clear();
        refused_.clear();
    }
}

void Failures::forget_last(const std::string& app) {
    last_.erase(app);
}

void Failures::forget_others(const std::string& app, const std::set<std::string>& specs) {
    if (const auto failed = last_.find(app); failed != last_.end()) {
        std::erase_if(failed->second, [&](const auto& row) { return !specs.contains(row.spec); });
    }
    if (const auto refused = refused_.find(app); refused != refused_.end()) {
        std::erase_if(refused->second, [&](const auto& row) { return !specs.contains(row.first); });
    }
}

void Failures::forget_outlived(const std::string& app, WallTime now) {
    if (const auto failed = last_.find(app); failed != last_.end()) {
        std::erase_if(failed->second, [&](const auto& row) { return row.until <= now; });
    }
}

void Failures::keep_only(const std::set<std::string>& apps) {
    const auto is_other = [&](const auto& row) { return !apps.contains(plan::app_of(row.first)); };
    std::erase_if(last_, is_other);
    std::erase_if(refused_, is_other);
}

std::optional<WallTime> Failures::next_after(WallTime now) const {
    std::optional<WallTime> next;
    for (const auto& [app, failed] : last_) {
        for (const Failure& failure : failed) {
            if (failure.until > now && (!next || failure.until < *next)) {
                next = failure.until;
            }
        }
    }
    return next;
}

}  // namespace podreeve::supervise
