// podreeve reconcile: a pass at once, and what it found. What failed before is tried again.
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/cli/agent_client.h"
#include "agent/cli/commands.h"
#include "agent/cli/output.h"

namespace podreeve::cli {
namespace {

using nlohmann::json;

constexpr std::chrono::minutes kPassWithin{3};

void print_pass(const json& pass) {
    const json& changes = pass.at("changes");
    const json& apps = pass.at("apps_changed");
    for (std::size_t i = 0; i < changes.size() && i < apps.size(); ++i) {
        print(fmt::format("{}: change {} is under way", apps[i].get<std::string>(),
                          changes[i].get<std::int64_t>()));
    }
    for (const json& failure : pass.at("failures")) {
        print(paint(fmt::format("{}: {}", failure.value("app", ""), failure.value("message", "")),
                    Colour::Red));
    }
    const json degraded = pass.value("degraded", json::array());
    if (changes.empty() && pass.at("failures").empty()) {
        print(degraded.empty() ? "nothing to do" : "nothing to do now");
    }
    print_degraded(degraded);
}

int run_reconcile(const Common& common) {
    const Result<json> pass = AgentClient(common.socket).post("/v1/reconcile", kPassWithin);
    if (!pass) {
        return print_error(pass.error(), common.json);
    }
    const std::string error = pass->value("error", "");
    if (!error.empty()) {
        return print_error({Code::Unavailable, error}, common.json);
    }
    if (common.json) {
        print_json(*pass);
    } else {
        print_pass(*pass);
    }
    return pass->at("failures").empty() ? kOk : kError;
}

}  // namespace

void add_reconcile(CLI::App& root, Common& common, CommandAction& action) {
    CLI::App* command = root.add_subcommand("reconcile", "Compare and repair now");
    command->callback([&common, &action] { action = [&common] { return run_reconcile(common); }; });
}

}  // namespace podreeve::cli
