// podreeve why APP: why it is as it is, down to the root cause.
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/cli/agent_client.h"
#include "agent/cli/commands.h"
#include "agent/cli/output.h"

namespace podreeve::cli {
namespace {

using nlohmann::json;

std::string link_text(const json& link, std::size_t depth) {
    const std::string state = link.value("state", "");
    const std::string since = link.value("since", "");
    const std::string indent(depth * 2, ' ');
    std::string text = fmt::format("{}{}{} is {}{}", indent, depth == 0 ? "" : "└ ",
                                   link.value("app", ""), paint(state, colour_of_state(state)),
                                   since.empty() ? "" : " for " + age(since));
    if (const std::string reason = link.value("reason", ""); !reason.empty()) {
        text += ": " + reason;
    }
    text += '\n';
    const std::string below = indent + (depth == 0 ? "" : "  ");
    for (const json& condition : link.value("conditions", json::array())) {
        text += fmt::format("{}  ! {}\n", below, condition.get<std::string>());
    }
    if (const std::string next = link.value("next", ""); !next.empty()) {
        text += fmt::format("{}  next: {}\n", below, next);
    }
    return text;
}

int run_why(const Common& common, const std::string& app) {
    const Result<std::string> target = target_of_app(app, "why");
    const Result<json> body =
        target ? AgentClient(common.socket).get(*target) : Result<json>(target.error());
    if (!body) {
        return print_error(body.error(), common.json);
    }
    if (common.json) {
        print_json(*body);
        return kOk;
    }
    std::size_t depth = 0;
    for (const json& link : body->at("chain")) {
        print(link_text(link, depth++));
    }
    return kOk;
}

}  // namespace

void add_why(CLI::App& root, Common& common, CommandAction& action) {
    CLI::App* command = root.add_subcommand("why", "Explain why an app is as it is");
    const auto app = std::make_shared<std::string>();
    command->add_option("APP", *app, "The app")->required();
    command->callback(
        [&common, &action, app] { action = [&common, app] { return run_why(common, *app); }; });
}

}  // namespace podreeve::cli
