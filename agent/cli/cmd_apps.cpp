// podreeve start|stop|restart APP… [--wait] [--timeout SECONDS] [--alone]
#include <algorithm>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "agent/cli/agent_client.h"
#include "agent/cli/commands.h"
#include "agent/cli/output.h"
#include "agent/cli/progress.h"

namespace podreeve::cli {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds kRequestWithin{30};
constexpr int kRequestTimeout = 300;

struct CommandVerb {
    const char* name;
    const char* about;
    bool down;  // what --wait waits for
};

constexpr CommandVerb kStart{"start", "Let apps run again after a stop", false};
constexpr CommandVerb kStop{
    "stop", "Stop apps, and first what needs them, until started; over reboots", true};
constexpr CommandVerb kRestart{"restart", "Stop apps, then start them again", false};

struct RequestArguments {
    std::vector<std::string> apps;
    bool wait = false;
    bool alone = false;
    int timeout = kRequestTimeout;  // seconds
};

// "web, then api, then db"
std::string order_text(const json& order) {
    std::string text;
    for (const json& level : order) {
        text += text.empty() ? "" : ", then ";
        text += fmt::format("{}", fmt::join(level.get<std::vector<std::string>>(), " and "));
    }
    return text;
}

void print_request(const CommandVerb& verb, const std::string& app, const json& reply, bool waits) {
    std::string text = fmt::format("{}: {} is asked for", app, verb.name);
    if (reply.contains("order") && !reply.at("order").empty()) {
        text += fmt::format("; stops {}, in {} s at the most", order_text(reply.at("order")),
                            reply.value("at_most_secs", 0));
    }
    print(text + (waits ? "" : fmt::format("; `podreeve status {}` shows how far it is", app)));
}

// Everything that goes down with what was asked for.
std::vector<std::string> apps_of(const json& reply) {
    std::vector<std::string> apps;
    for (const json& level : reply.value("order", json::array())) {
        for (const json& app : level) {
            apps.push_back(app.get<std::string>());
        }
    }
    return apps;
}

Status wait_for(const AgentClient& agent,
                const Common& common,
                const CommandVerb& verb,
                const WaitEnd& end,
                const json& reply) {
    const std::string asked = reply.value("app", "");
    const auto number = reply.value("request", std::int64_t{0});
    const auto evaluate = [&](const json& app) {
        const std::int64_t since = app.value("name", "") == asked ? number : 0;
        return verb.down ? progress_down(app, since) : progress_up(app, since);
    };
    const std::vector<std::string> apps = verb.down ? apps_of(reply) : std::vector{asked};
    return follow_progress(agent, apps, evaluate, end, common.json);
}

// Of several, nothing is done before it is clear that all can be.
std::vector<Error> check_all(const AgentClient& agent,
                             const CommandVerb& verb,
                             const std::vector<std::string>& apps) {
    std::vector<Error> errors;
    for (const std::string& app : apps) {
        const Result<std::string> target = target_of_app(app, verb.name);
        const Result<json> reply =
            target && apps.size() > 1 ? agent.get(*target) : Result<json>(json());
        if (!target || !reply) {
            errors.push_back(target ? reply.error() : target.error());
        }
    }
    return errors;
}

// One that is refused all the same (its manifest has just gone) stops none of the others.
json ask_for_all(const AgentClient& agent,
                 const Common& common,
                 const CommandVerb& verb,
                 const RequestArguments& wanted,
                 std::vector<Error>& errors) {
    json replies = json::array();
    for (const std::string& app : wanted.apps) {
        const Result<std::string> target = target_of_app(app, verb.name);
        const Result<json> reply =
            target ? agent.post(*target + (wanted.alone ? "?alone=1" : ""), kRequestWithin)
                   : Result<json>(target.error());
        if (!reply) {
            errors.push_back(reply.error());
            continue;
        }
        if (!common.json) {
            print_request(verb, app, *reply, wanted.wait);
        }
        replies.push_back(*reply);
    }
    return replies;
}

int print_errors(const std::vector<Error>& errors, bool as_json) {
    int code = kOk;
    for (const Error& error : errors) {
        code = std::max(code, print_error(error, as_json && code == kOk));
    }
    return code;
}

int run_verb(const Common& common, const CommandVerb& verb, const RequestArguments& wanted) {
    const AgentClient agent(common.socket);
    std::vector<Error> errors = check_all(agent, verb, wanted.apps);
    if (!errors.empty()) {
        return print_errors(errors, common.json);
    }
    const json replies = ask_for_all(agent, common, verb, wanted, errors);
    if (wanted.wait) {
        const WaitEnd end = wait_end(std::chrono::seconds(wanted.timeout));
        for (const json& reply : replies) {
            if (const Status ended = wait_for(agent, common, verb, end, reply); !ended) {
                errors.push_back(ended.error());
            }
        }
    }
    if (common.json && errors.empty()) {
        print_json(replies.size() == 1 ? replies.front() : replies);
    }
    return print_errors(errors, common.json);
}

void add_verb(CLI::App& root, Common& common, CommandAction& action, const CommandVerb& verb) {
    CLI::App* command = root.add_subcommand(verb.name, verb.about);
    const auto wanted = std::make_shared<RequestArguments>();
    command->add_option("APP", wanted->apps, "The apps")->required();
    command->add_flag("--wait", wanted->wait, "Wait for the end of it, and report how it goes");
    command->add_option("--timeout", wanted->timeout, "How long to wait in all, in seconds")
        ->check(CLI::Range(1, 86'400))
        ->capture_default_str();
    if (verb.down) {
        command->add_flag("--alone", wanted->alone, "Leave what needs it to its own policy");
    }
    command->callback([&common, &action, &verb, wanted] {
        action = [&common, &verb, wanted] { return run_verb(common, verb, *wanted); };
    });
}

}  // namespace

void add_apps(CLI::App& root, Common& common, CommandAction& action) {
    add_verb(root, common, action, kStart);
    add_verb(root, common, action, kStop);
    add_verb(root, common, action, kRestart);
}

}  // namespace podreeve::cli
