// podreeve prune [APP…]: lets the removals go on that are held for looking like a mishap. It lists
// them and asks.
#include <iostream>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/cli/agent_client.h"
#include "agent/cli/commands.h"
#include "agent/cli/output.h"
#include "agent/cli/table.h"
#include "runtime/http/client.h"

namespace podreeve::cli {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds kPruneWithin{30};

struct Pruning {
    std::vector<std::string> apps;  // none: all that are held
    bool yes = false;
};

// Those of the held ones that were asked for.
Result<json> choose(const json& held, const std::vector<std::string>& apps) {
    if (apps.empty()) {
        return held;
    }
    json chosen = json::array();
    for (const std::string& name : apps) {
        const auto found = std::ranges::find_if(
            held, [&](const json& one) { return one.value("app", "") == name; });
        if (found == held.end()) {
            return fail(Code::NotFound, fmt::format("cannot prune {}: its removal is not held; "
                                                    "`podreeve prune` lists what is",
                                                    name));
        }
        chosen.push_back(*found);
    }
    return chosen;
}

void print_removals(const json& removals) {
    Table table({"APP", "WHY IT IS HELD"});
    for (const json& one : removals) {
        table.add({{one.value("app", "")}, {one.value("message", "")}});
    }
    print(table.text());
}

bool is_confirmed(std::size_t count) {
    print(fmt::format("Remove {}? Claims and named volumes stay, emptyDirs go. [y/N]",
                      count == 1 ? "it" : "all of them"));
    std::string reply;
    std::getline(std::cin, reply);
    return reply == "y" || reply == "Y" || reply == "yes";
}

int let_go(const Common& common, const AgentClient& agent, const json& removals) {
    std::string target = "/v1/prune";
    for (const json& one : removals) {
        target += target.find('?') == std::string::npos ? "?app=" : "&app=";
        target += http::encode(one.value("app", ""));
    }
    const Result<json> done = agent.post(target, kPruneWithin);
    if (!done) {
        return print_error(done.error(), common.json);
    }
    if (common.json) {
        print_json(*done);
    } else {
        print(removals.size() == 1 ? "it is being removed; `podreeve status` shows how far it is"
                                   : "they are being removed; `podreeve status` shows how far");
    }
    return kOk;
}

int run_prune(const Common& common, const Pruning& wanted) {
    const AgentClient agent(common.socket);
    const Result<json> body = agent.get("/v1/prune");
    const Result<json> removals =
        body ? choose(body->at("removals"), wanted.apps) : Result<json>(body.error());
    if (!removals) {
        return print_error(removals.error(), common.json);
    }
    if (wanted.yes && !removals->empty()) {
        return let_go(common, agent, *removals);
    }
    if (common.json) {
        print_json({{"removals", *removals}});
        return kOk;
    }
    if (removals->empty()) {
        print("no removal is held");
        return kOk;
    }
    print_removals(*removals);
    if (::isatty(STDIN_FILENO) != 1) {
        return print_error(
            {Code::InvalidArgument, "cannot ask here whether to remove them; say --yes"}, false);
    }
    if (!is_confirmed(removals->size())) {
        print("nothing is removed");
        return kError;
    }
    return let_go(common, agent, *removals);
}

}  // namespace

void add_prune(CLI::App& root, Common& common, CommandAction& action) {
    CLI::App* command = root.add_subcommand(
        "prune", "List the removals that are held, and let them go on once you agree");
    const auto wanted = std::make_shared<Pruning>();
    command->add_option("APP", wanted->apps, "Only these apps");
    command->add_flag("-y,--yes", wanted->yes, "Do not ask");
    command->callback([&common, &action, wanted] {
        action = [&common, wanted] { return run_prune(common, *wanted); };
    });
}

}  // namespace podreeve::cli
