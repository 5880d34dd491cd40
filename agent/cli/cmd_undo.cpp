// podreeve undo ID
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/cli/agent_client.h"
#include "agent/cli/change_command.h"
#include "agent/cli/output.h"

namespace podreeve::cli {
namespace {

int run_undo(const Common& common, std::int64_t id) {
    const Result<nlohmann::json> done =
        AgentClient(common.socket)
            .post(fmt::format("/v1/changes/{}/undo", id), std::chrono::seconds(30));
    if (!done) {
        return print_error(done.error(), common.json);
    }
    if (common.json) {
        print_json(*done);
    } else {
        print(fmt::format("change {} is undone by change {}; `podreeve change {}` shows how far",
                          id, done->value("change", 0), done->value("change", 0)));
        for (const nlohmann::json& volume : done->value("emptied", nlohmann::json::array())) {
            print(fmt::format("the emptyDir {} comes back empty: change {} has removed it",
                              volume.get<std::string>(), id));
        }
    }
    return kOk;
}

}  // namespace

void add_undo(CLI::App& root, Common& common, CommandAction& action) {
    add_change_command(root, common, action, {"undo", "Undo a change that has ended"}, run_undo);
}

}  // namespace podreeve::cli
