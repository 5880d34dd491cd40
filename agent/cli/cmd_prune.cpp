// podreeve prune [APP…]: lets go what is held for looking like a mishap: removals of apps, and
// starts with empty volumes. It lists them and asks.
#include <algorithm>
#include <iostream>
#include <iterator>
#include <set>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/cli/agent_client.h"
#include "agent/cli/commands.h"
#include "agent/cli/output.h"
#include "agent/cli/table.h"
#include "runtime/base/json_text.h"
#include "runtime/http/client.h"

namespace podreeve::cli {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds kPruneWithin{30};

struct Pruning {
    std::vector<std::string> apps;  // none: all that are held
    bool yes = false;
};

// What is held: {"removals": [{app, reason, message}], "volumes": [the same]}.
struct HeldRows {
    json removals = json::array(), volumes = json::array();

    std::size_t count() const { return removals.size() + volumes.size(); }
};

bool is_of(const json& one, const std::vector<std::string>& apps) {
    return apps.empty() || std::ranges::find(apps, one.value("app", "")) != apps.end();
}

json only_of(const json& rows, const std::vector<std::string>& apps) {
    json chosen = json::array();
    std::ranges::copy_if(rows, std::back_inserter(chosen),
                         [&](const json& one) { return is_of(one, apps); });
    return chosen;
}

// Those of the held ones that were asked for.
Result<HeldRows> choose(const json& body, const std::vector<std::string>& apps) {
    HeldRows held{only_of(child_in(body, "removals"), apps),
                  only_of(child_in(body, "volumes"), apps)};
    for (const std::string& name : apps) {
        const auto is_it = [&](const json& one) { return one.value("app", "") == name; };
        if (std::ranges::none_of(held.removals, is_it) &&
            std::ranges::none_of(held.volumes, is_it)) {
            return fail(Code::NotFound, fmt::format("cannot prune {}: nothing of it is held; "
                                                    "`podreeve prune` lists what is",
                                                    name));
        }
    }
    return held;
}

void print_held(const HeldRows& held) {
    Table table({"APP", "WHAT GOES", "WHY IT IS HELD"});
    for (const json& one : held.removals) {
        table.add({{one.value("app", "")}, {"the app"}, {one.value("message", "")}});
    }
    for (const json& one : held.volumes) {
        table.add({{one.value("app", "")}, {"lost data"}, {one.value("message", "")}});
    }
    print(table.text());
}

bool is_confirmed(const HeldRows& held) {
    const char* what = held.count() == 1 ? "it" : "all of them";
    if (held.volumes.empty()) {
        print(fmt::format("Remove {}? Claims and named volumes stay, emptyDirs go. [y/N]", what));
    } else if (held.removals.empty()) {
        print(fmt::format("Start {} with empty volumes in place of the lost ones? [y/N]", what));
    } else {
        print(
            "Remove the apps (claims and named volumes stay, emptyDirs go), and start those with "
            "lost data with empty volumes? [y/N]");
    }
    std::string reply;
    std::getline(std::cin, reply);
    return reply == "y" || reply == "Y" || reply == "yes";
}

void report_done(const HeldRows& held) {
    if (!held.removals.empty()) {
        print(held.removals.size() == 1
                  ? "it is being removed; `podreeve status` shows how far it is"
                  : "they are being removed; `podreeve status` shows how far");
    }
    if (!held.volumes.empty()) {
        print(fmt::format("{} started with empty volumes; `podreeve status` shows how far",
                          held.volumes.size() == 1 ? "one app is" : "apps are"));
    }
}

int let_go(const Common& common, const AgentClient& agent, const HeldRows& held) {
    std::set<std::string> names;
    for (const json* rows : {&held.removals, &held.volumes}) {
        for (const json& one : *rows) {
            names.insert(one.value("app", ""));
        }
    }
    std::string target = "/v1/prune";
    for (const std::string& name : names) {
        target += target.find('?') == std::string::npos ? "?app=" : "&app=";
        target += http::encode(name);
    }
    const Result<json> done = agent.post(target, kPruneWithin);
    if (!done) {
        return print_error(done.error(), common.json);
    }
    if (common.json) {
        print_json(*done);
    } else {
        report_done(held);
    }
    return kOk;
}

int run_prune(const Common& common, const Pruning& wanted) {
    const AgentClient agent(common.socket);
    const Result<json> body = agent.get("/v1/prune");
    const Result<HeldRows> held =
        body ? choose(*body, wanted.apps) : Result<HeldRows>(tl::unexpected(body.error()));
    if (!held) {
        return print_error(held.error(), common.json);
    }
    if (wanted.yes && held->count() > 0) {
        return let_go(common, agent, *held);
    }
    if (common.json) {
        print_json({{"removals", held->removals}, {"volumes", held->volumes}});
        return kOk;
    }
    if (held->count() == 0) {
        print("nothing is held");
        return kOk;
    }
    print_held(*held);
    if (::isatty(STDIN_FILENO) != 1) {
        return print_error(
            {Code::InvalidArgument, "cannot ask here whether to let them go; say --yes"}, false);
    }
    if (!is_confirmed(*held)) {
        print("nothing is let go");
        return kError;
    }
    return let_go(common, agent, *held);
}

}  // namespace

void add_prune(CLI::App& root, Common& common, CommandAction& action) {
    CLI::App* command = root.add_subcommand(
        "prune", "List what is held until you agree: removals, and starts with empty volumes");
    const auto wanted = std::make_shared<Pruning>();
    command->add_option("APP", wanted->apps, "Only these apps");
    command->add_flag("-y,--yes", wanted->yes, "Do not ask");
    command->callback([&common, &action, wanted] {
        action = [&common, wanted] { return run_prune(common, *wanted); };
    });
}

}  // namespace podreeve::cli
