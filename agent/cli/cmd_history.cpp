// podreeve history APP: the versions that ran last, and which of them are kept.
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/cli/agent_client.h"
#include "agent/cli/commands.h"
#include "agent/cli/output.h"
#include "agent/cli/table.h"

namespace podreeve::cli {
namespace {

using nlohmann::json;

std::string status_of(const json& version) {
    if (version.value("deployed", false)) {
        return "deployed";
    }
    if (version.value("wanted", false)) {
        return "wanted";
    }
    if (version.value("kept", false)) {
        return "kept";
    }
    return version.value("held_secrets", false) ? "not kept: it held secrets"
                                                : "not kept: its manifest is not there any more";
}

int run_history(const Common& common, const std::string& app) {
    const Result<std::string> target = target_of_app(app, "history");
    const Result<json> body =
        target ? AgentClient(common.socket).get(*target) : Result<json>(target.error());
    if (!body) {
        return print_error(body.error(), common.json);
    }
    if (common.json) {
        print_json(*body);
        return kOk;
    }
    Table table({"GENERATION", "VERSION", "SINCE", "STATUS"});
    for (const json& version : body->at("versions")) {
        const std::int64_t generation = version.value("generation", std::int64_t{0});
        const std::string since = version.value("since", "");
        table.add({{generation == 0 ? "-" : std::to_string(generation)},
                   {version.value("spec", "").substr(0, 12)},
                   {since.empty() ? "never ran" : age(since)},
                   {status_of(version)}});
    }
    print(body->at("versions").empty() ? "no version has run yet" : table.text());
    return kOk;
}

}  // namespace

void add_history(CLI::App& root, Common& common, CommandAction& action) {
    CLI::App* command = root.add_subcommand("history", "List the versions of an app that ran last");
    const auto app = std::make_shared<std::string>();
    command->add_option("APP", *app, "The app")->required();
    command->callback(
        [&common, &action, app] { action = [&common, app] { return run_history(common, *app); }; });
}

}  // namespace podreeve::cli
