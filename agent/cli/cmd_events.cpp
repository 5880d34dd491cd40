// podreeve events [APP] [-f] [--since SEQ]: what happened; with --json a line of JSON an event.
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/cli/agent_client.h"
#include "agent/cli/commands.h"
#include "agent/cli/output.h"
#include "runtime/base/json_text.h"
#include "runtime/http/client.h"

namespace podreeve::cli {
namespace {

using nlohmann::json;

struct EventFilter {
    std::string app;
    bool follow = false;
    std::int64_t since = 0;
};

void print_event(const json& event, bool as_json) {
    if (as_json) {
        print(json_text(event));
        return;
    }
    print(fmt::format("{:>6}  {}  {}  {}  {}", event.value("seq", 0), event.value("time", ""),
                      paint(event.value("app", ""), Colour::Bold), event.value("state", ""),
                      event.value("message", "")));
}

std::string target_of(const EventFilter& wanted) {
    std::string target = fmt::format("/v1/events?since={}", wanted.since);
    if (!wanted.app.empty()) {
        target += "&app=" + http::encode(wanted.app);
    }
    return wanted.follow ? target + "&follow=1" : target;
}

int run_events(const Common& common, const EventFilter& wanted) {
    const AgentClient agent(common.socket);
    if (wanted.follow) {
        const Status ended = agent.follow(target_of(wanted), [&](const std::string& data) {
            const json event = json::parse(data, nullptr, false);
            if (event.is_object()) {
                print_event(event, common.json);
            }
            return !output_failed();
        });
        return ended ? kOk : print_error(ended.error(), common.json);
    }
    const Result<json> body = agent.get(target_of(wanted));
    if (!body) {
        return print_error(body.error(), common.json);
    }
    for (const json& event : body->at("events")) {
        print_event(event, common.json);
    }
    return kOk;
}

}  // namespace

void add_events(CLI::App& root, Common& common, CommandAction& action) {
    CLI::App* command = root.add_subcommand("events", "Show what happened");
    const auto wanted = std::make_shared<EventFilter>();
    command->add_option("APP", wanted->app, "Only of this app");
    command->add_flag("-f,--follow", wanted->follow, "Go on with what happens next");
    command->add_option("--since", wanted->since, "Only events after this number")
        ->check(CLI::NonNegativeNumber);
    command->callback([&common, &action, wanted] {
        action = [&common, wanted] { return run_events(common, *wanted); };
    });
}

}  // namespace podreeve::cli
