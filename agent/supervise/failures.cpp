#include "agent/supervise/failures.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/supervise/supervisor.h"
#include "runtime/base/digest.h"

namespace podreeve::supervise {
namespace {

std::string text_of(const nlohmann::json& data, const char* key) {
    return data.is_object() ? data.value(key, std::string()) : std::string();
}

Duration delay(int count) {
    return std::min<Duration>(kFirstRetry * (1 << std::min(count - 1, 10)), kLongestRetry);
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

}  // namespace

std::string fingerprint(const plan::AppPlan& plan) {
    std::string text = fmt::format("{}\n{}\n", plan.spec, to_string(plan.action));
    for (const plan::Step& step : plan.steps) {
        text += fmt::format("{} {} {}\n", to_string(step.kind), step.object, step.part);
    }
    return sha256_hex(text).substr(0, 16);
}

void Failures::note(const state::ChangeView& change) {
    const nlohmann::json data = nlohmann::json::parse(change.data, nullptr, false);
    const std::string spec = text_of(data, "spec");
    const auto it = by_app_.find(change.subject);
    if (change.status == state::TaskStatus::Done) {
        if (it != by_app_.end() && it->second.spec == spec) {
            by_app_.erase(it);
        }
        return;
    }
    Failure failure{spec, text_of(data, "fingerprint"), reason_of(change), 1, {}};
    if (failure.message.empty()) {
        failure.message = change.error;
    }
    if (failure.message.empty()) {
        failure.message = fmt::format("change {} was aborted", change.id);
    }
    if (it != by_app_.end() && it->second.spec == spec) {
        failure.count = it->second.count + 1;
    }
    failure.kind = change.kind;
    failure.until = change.ready + delay(failure.count);
    if (change.kind == state::kUndoKind && change.status == state::TaskStatus::Undone &&
        text_of(data, "undoes_kind").starts_with("deploy-")) {
        failure.message = fmt::format("it was undone by change {}", change.id);
        failure.until = kUntilChanged;
    }
    by_app_[change.subject] = std::move(failure);
}

const Failure* Failures::find(const std::string& app) const {
    const auto it = by_app_.find(app);
    return it == by_app_.end() ? nullptr : &it->second;
}

bool Failures::holds(const plan::AppPlan& plan, WallTime now) const {
    const Failure* failure = find(plan.subject());
    if (failure == nullptr || now >= failure->until) {
        return false;
    }
    // What was undone is not done again in other steps either.
    return failure->until == kUntilChanged
               ? failure->spec == plan.spec && plan.action == plan::AppAction::Deploy
               : failure->fingerprint == fingerprint(plan);
}

void Failures::forget_outlived(const std::string& app, WallTime now) {
    if (const Failure* failure = find(app); failure != nullptr && failure->until <= now) {
        by_app_.erase(app);
    }
}

void Failures::forget(const std::optional<std::string>& app) {
    if (app) {
        by_app_.erase(*app);
    } else {
        by_app_.clear();
    }
}

std::optional<WallTime> Failures::next_after(WallTime now) const {
    std::optional<WallTime> next;
    for (const auto& [app, failure] : by_app_) {
        if (failure.until > now && failure.until != kUntilChanged &&
            (!next || failure.until < *next)) {
            next = failure.until;
        }
    }
    return next;
}

}  // namespace podreeve::supervise
