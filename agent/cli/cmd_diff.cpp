// podreeve diff [APP]: what a pass would do now, and what keeps it from more. Nothing is carried
// out.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "agent/cli/agent_client.h"
#include "agent/cli/commands.h"
#include "agent/cli/output.h"
#include "runtime/http/client.h"

namespace podreeve::cli {
namespace {

int run_diff(const Common& common, const std::string& name) {
    const AgentClient agent(common.socket);
    const std::string target = name.empty() ? "/v1/diff" : "/v1/diff?app=" + http::encode(name);
    const Result<nlohmann::json> body = agent.get(target);
    if (!body) {
        return print_error(body.error(), common.json);
    }
    const bool converged = body->value("converged", false);
    if (common.json) {
        print_json(*body);
    } else {
        const std::string text = body->value("text", "");
        const nlohmann::json apps = body->value("degraded", nlohmann::json::array());
        if (!text.empty()) {
            print(text);
        } else if (converged) {
            print(apps.empty() ? "converged: nothing to do" : "nothing to do now");
        }
        print_degraded(apps);
    }
    return body->value("differs", !converged) ? kDiffers : kOk;
}

}  // namespace

void add_diff(CLI::App& root, Common& common, CommandAction& action) {
    CLI::App* command = root.add_subcommand(
        "diff",
        "Show what would be done and what is held back; exit code 0 nothing, 2 something, 1 an "
        "error");
    const auto name = std::make_shared<std::string>();
    command->add_option("APP", *name, "Only this app");
    command->callback(
        [&common, &action, name] { action = [&common, name] { return run_diff(common, *name); }; });
}

}  // namespace podreeve::cli
