// podreeve version: of this command, and of the agent and podman when the agent answers.
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/cli/agent_client.h"
#include "agent/cli/commands.h"
#include "agent/cli/output.h"

namespace podreeve::cli {
namespace {

int run_version(const Common& common) {
    const Result<nlohmann::json> agent = AgentClient(common.socket).get("/v1/version");
    if (common.json) {
        nlohmann::json all = {{"podreeve", PODREEVE_VERSION}, {"agent", nullptr}};
        if (agent) {
            all["agent"] = *agent;
        }
        print_json(all);
        return kOk;
    }
    print(fmt::format("podreeve {}", PODREEVE_VERSION));
    if (agent) {
        print(fmt::format("agent    {}\npodman   {}", agent->value("agent", ""),
                          agent->value("podman", "")));
    } else if (agent.error().code == Code::Unavailable) {
        print("agent    not running");
    } else {
        print("agent    " + agent.error().message);
    }
    return kOk;
}

}  // namespace

void add_version(CLI::App& root, Common& common, CommandAction& action) {
    CLI::App* command = root.add_subcommand("version", "Show the versions of all that takes part");
    command->callback([&common, &action] { action = [&common] { return run_version(common); }; });
}

}  // namespace podreeve::cli
