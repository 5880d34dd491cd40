// podreeve abort ID
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/cli/agent_client.h"
#include "agent/cli/change_command.h"
#include "agent/cli/output.h"

namespace podreeve::cli {
namespace {

int run_abort(const Common& common, std::int64_t id) {
    const Result<nlohmann::json> done =
        AgentClient(common.socket)
            .post(fmt::format("/v1/changes/{}/abort", id), std::chrono::seconds(30));
    if (!done) {
        return print_error(done.error(), common.json);
    }
    if (common.json) {
        print_json(*done);
    } else {
        print(fmt::format(
            "change {} is being undone; `podreeve change {}` shows how far. What it was to "
            "deploy is tried again when its manifest changes, or by `podreeve "
            "reconcile`",
            id, id));
    }
    return kOk;
}

}  // namespace

void add_abort(CLI::App& root, Common& common, CommandAction& action) {
    add_change_command(root, common, action, {"abort", "Stop a change and undo what it did"},
                       run_abort);
}

}  // namespace podreeve::cli
