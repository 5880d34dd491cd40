// podreeve shutdown [--undo]: all apps down in order, for the way down of the host. It is what
// podreeve-apps.service calls; nothing of it is remembered when the agent is started anew.
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/cli/agent_client.h"
#include "agent/cli/commands.h"
#include "agent/cli/output.h"
#include "agent/cli/progress.h"

namespace podreeve::cli {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds kShutdownWithin{30};

std::string how_long(std::size_t apps, std::chrono::seconds longest, std::int64_t asked_for) {
    std::string text = fmt::format("stops {} apps, in {} s at the most", apps, longest.count());
    if (asked_for > longest.count()) {
        text += fmt::format(
            "; they could take {} s, which is more than systemd gives: all graces are shortened "
            "alike",
            asked_for);
    }
    return text;
}

int run_shutdown(const Common& common, bool undo) {
    const AgentClient agent(common.socket);
    const Result<json> reply = agent.post(undo ? "/v1/resume" : "/v1/shutdown", kShutdownWithin);
    if (!reply) {
        return print_error(reply.error(), common.json);
    }
    if (!undo) {
        std::vector<std::string> apps;
        for (const json& level : reply->at("order")) {
            for (const json& app : level) {
                apps.push_back(app.get<std::string>());
            }
        }
        const std::chrono::seconds longest(reply->value("at_most_secs", 0));
        if (!common.json) {
            print(how_long(apps.size(), longest, reply->value("asked_for_secs", 0)));
        }
        const auto evaluate = [](const json& app) { return progress_down(app, 0); };
        if (const Status ended = follow_progress(
                agent, apps, evaluate, wait_end(longest + std::chrono::seconds(5)), common.json);
            !ended) {
            return print_error(ended.error(), common.json);
        }
    }
    if (common.json) {
        print_json(*reply);
    }
    return kOk;
}

}  // namespace

void add_shutdown(CLI::App& root, Common& common, CommandAction& action) {
    CLI::App* command =
        root.add_subcommand("shutdown", "Stop all apps in order, until the agent is restarted");
    const auto undo = std::make_shared<bool>(false);
    command->add_flag("--undo", *undo, "The host stays up after all: let them run again");
    command->callback([&common, &action, undo] {
        action = [&common, undo] { return run_shutdown(common, *undo); };
    });
}

}  // namespace podreeve::cli
