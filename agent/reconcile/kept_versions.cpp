#include "agent/reconcile/kept_versions.h"

#include <map>
#include <vector>

#include <nlohmann/json.hpp>

#include "agent/plan/plan.h"
#include "agent/supervise/decide/memory.h"
#include "manifests/names.h"
#include "runtime/base/atomic_file.h"

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
                           const state::State& state,
                           DiskDirectory units)
    : source_(source), specs_(specs), state_(state), units_(std::move(units)) {}

namespace {

// What undoing would write back, by app.
std::map<std::string, std::set<std::string>> former_units(const state::State& state) {
    std::map<std::string, std::set<std::string>> keys;
    for (const state::ChangeView& change : state.undoable()) {
        for (const state::TaskView& task : change.tasks) {
            add_text(task.data, "former", keys[plan::app_of(change.subject)]);
        }
    }
    return keys;
}

// An app is a folder. What cannot be removed now is tried again by the next trim.
void trim_units(const DiskDirectory& units, const state::State& state) {
    const auto keys = former_units(state);
    const auto all = units.use();
    for (const std::filesystem::path& folder : entries_of(all.path())) {
        const auto needed = keys.find(folder.filename().string());
        std::error_code error;
        for (const std::filesystem::path& file : entries_of(folder)) {
            if (needed == keys.end() || !needed->second.contains(file.filename().string())) {
                std::filesystem::remove(file, error);
            }
        }
        std::filesystem::remove(folder, error);  // only when nothing is left in it
    }
}

}  // namespace

void KeptVersions::trim() {
    const std::uint64_t rows = state_.rows_written();
    if (trimmed_at_ == rows) {
        return;
    }
    auto by_app = versions_by_app(state_);
    for (const state::AppRecord& record : state_.apps()) {
        const supervise::AppMemory memory = supervise::memory_from(record.extra);
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
    if (!units_.is_none()) {
        trim_units(units_, state_);
    }
    trimmed_at_ = rows;
}

void KeptVersions::forget(const std::string& app) {
    source_.forget_accepted(app, {});
    specs_.forget(app);
    if (!units_.is_none() && manifests::is_label(app)) {
        const auto units = units_.use();
        std::error_code error;
        std::filesystem::remove_all(units / app, error);
    }
}

// Also without a record, as after a loss of the state, what is left of it may just be removed.
bool KeptVersions::is_needed(const std::string& app) const {
    return state_.app(app) || state_.active_change_of(app) ||
           state_.active_change_of(plan::companions_of(app));
}

void KeptVersions::forget_others(const std::set<std::string>& apps) {
    const std::uint64_t rows = state_.rows_written();
    if (others_at_ == rows && others_but_ == apps) {
        return;
    }
    for (const std::string& app : source_.accepted_apps()) {
        if (!apps.contains(app) && !is_needed(app)) {
            forget(app);
        }
    }
    const auto units = units_.use();
    for (const std::filesystem::path& folder : entries_of(units.path())) {
        const std::string app = folder.filename().string();
        if (!apps.contains(app) && !is_needed(app)) {
            forget(app);
        }
    }
    others_at_ = rows;
    others_but_ = apps;
}

}  // namespace podreeve::reconcile
