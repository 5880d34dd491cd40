#include "agent/daemon/state_loss.h"

#include <fmt/format.h>

#include "runtime/base/log.h"

namespace podreeve::daemon {
namespace {

constexpr const char* kStateLost = "StateLost";  // the event

std::string lost_at_start(const state::State& state,
                          std::size_t kept_apps,
                          const std::filesystem::path& directory) {
    const std::string kept_on =
        "what runs is taken over by its labels, but what was asked of apps, as a stop, is "
        "forgotten: ask again";
    if (const std::string aside = state.health().set_aside; !aside.empty()) {
        return fmt::format("the state could not be read and was set aside as {}; {}", aside,
                           kept_on);
    }
    if (kept_apps > 0 && state.apps().empty() && state.events_since(0).empty()) {
        return fmt::format("the state in {} was removed while the agent did not run; {}",
                           directory.string(), kept_on);
    }
    return {};
}

}  // namespace

std::string state_removed(const std::filesystem::path& directory) {
    return fmt::format(
        "the state in {} was removed while the agent runs: all apps are kept on, but what is asked "
        "of them, as a stop, is forgotten when the agent ends; restart it now, and ask again",
        directory.string());
}

void report_state_lost(state::State& state,
                       std::size_t kept_apps,
                       const std::filesystem::path& directory) {
    const std::string lost = lost_at_start(state, kept_apps, directory);
    if (lost.empty()) {
        return;
    }
    log::warn("{}", lost);
    state::Event event;
    event.state = kStateLost;
    event.message = lost;
    if (const Status written = state.append_event(event); !written) {
        log::warn("{}", written.error().message);
    }
}

}  // namespace podreeve::daemon
