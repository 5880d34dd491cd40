#include "agent/reconcile/kept_versions.h"

#include <map>

#include <nlohmann/json.hpp>

#include "agent/plan/plan.h"
#include "agent/supervise/memory.h"

namespace podreeve::reconcile {
namespace {

void add_text(const std::string& data, const char* key, std::set<std::string>& texts) {
    const auto root = nlohmann::json::parse(data, nullptr, false);
    const auto found = root.is_object() ? root.find(key) : root.end();
    if (found != root.end() && found->is_string() &&
        !found->get_ref<const std::string&>().empty()) {
        texts.insert(*found);
    }
}

std::map<std::string, std::set<std::string>> versions_by_app(const state::State& state) {
    std::map<std::string, std::set<std::string>> versions;
    for (const state::ChangeView& change : state.undoable()) {
        versions[plan::app_of(change.subject)].merge(versions_of(change));
    }
    return versions;
}

}  // namespace

std::set<std::string> versions_of(const state::ChangeView& change) {
    std::set<std::string> versions;
    add_text(change.data, "spec", versions);
    for (const state::TaskView& task : change.tasks) {
        if (task.kind == "mark-deployed") {
            add_text(task.data, "before", versions);
        }
    }
    return versions;
}

KeptVersions::KeptVersions(manifests::ManifestSource& source,
                           handlers::SpecBook& specs,
                           const state::State& state)
    : source_(source), specs_(specs), state_(state) {}

void KeptVersions::trim() {
    const std::uint64_t rows = state_.rows_written();
    if (trimmed_at_ == rows) {
        return;
    }
    auto by_app = versions_by_app(state_);
    for (const state::AppRecord& record : state_.apps()) {
        const supervise::Memory memory = supervise::memory_from(record.extra);
        std::set<std::string>& needed = by_app[record.name];
        needed.insert(
            {record.spec, record.deployed_spec, memory.companions, memory.companions_before});
        for (const supervise::RanVersion& version : memory.ran) {
            if (!version.secret) {
                needed.insert(version.spec);
            }
        }
        source_.forget_accepted(record.name, {needed.begin(), needed.end()});
    }
    trimmed_at_ = rows;
}

void KeptVersions::forget(const std::string& app) {
    source_.forget_accepted(app, {});
    specs_.forget(app);
}

void KeptVersions::forget_others(const std::set<std::string>& apps) {
    for (const std::string& app : source_.accepted_apps()) {
        if (!apps.contains(app) && !state_.app(app)) {
            forget(app);
        }
    }
}

}  // namespace podreeve::reconcile
