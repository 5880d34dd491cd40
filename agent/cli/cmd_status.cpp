// podreeve status [APP]: how every app stands, or all about one.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "agent/cli/agent_client.h"
#include "agent/cli/commands.h"
#include "agent/cli/output.h"
#include "agent/cli/table.h"
#include "runtime/http/client.h"

namespace podreeve::cli {
namespace {

using nlohmann::json;

// A terminal would break a longer one; what reads a pipe gets all of it.
std::string first_line(const std::string& text) {
    constexpr std::size_t kWidest = 100;
    std::string line = text.substr(0, text.find('\n'));
    if (line.size() > kWidest && ::isatty(STDOUT_FILENO) == 1) {
        line = line.substr(0, kWidest - 1) + "…";
    }
    return line;
}

std::string readiness(const json& app) {
    return fmt::format("{}/{}", app.at("parts_ready").get<int>(), app.at("parts_total").get<int>());
}

std::string note_of(const json& app) {
    const std::string message = app.value("message", "");
    if (message.empty() && !app.at("conditions").empty()) {
        const json& first = app.at("conditions").front();
        return fmt::format("{}: {}", first.value("type", ""), first.value("message", ""));
    }
    return message;
}

Colour colour_of_health(const std::string& health) {
    return health == "healthy" ? Colour::Green : health == "unhealthy" ? Colour::Red : Colour::None;
}

// What is the matter now, or else what happened last.
std::string event_of(const json& app) {
    const std::string note = note_of(app);
    return note.empty() ? app.value("last_event", "") : note;
}

std::string table_of(const json& apps) {
    Table table({"APP", "STATE", "HEALTH", "READY", "RESTARTS", "SINCE", "LAST EVENT"});
    for (const json& app : apps) {
        const std::string state = app.value("state", "");
        table.add({{app.value("name", "")},
                   {state, colour_of_state(state)},
                   {app.value("health", "-"), colour_of_health(app.value("health", "-"))},
                   {readiness(app)},
                   {std::to_string(app.value("restarts", 0))},
                   {age(app.value("since", ""))},
                   {first_line(event_of(app))}});
    }
    return table.text();
}

std::string directories_of(const json& agent) {
    const auto names = agent.value("manifest_directories", std::vector<std::string>{});
    return names.empty() ? "the agent's directory" : fmt::format("{}", fmt::join(names, " or "));
}

// Podman, say, that hangs: until its calls are given up nothing newer is known.
std::optional<std::string> slow_pass(const std::string& since) {
    constexpr std::chrono::seconds kUsual{3};
    const auto begin = parse_rfc3339(since);
    if (!begin || SystemClock().system_now() - *begin < kUsual) {
        return std::nullopt;
    }
    return fmt::format(
        "a pass has been going on for {}: podman, systemd or a file system is slow "
        "to answer, and what is shown is from before it",
        age(since));
}

int print_all(const json& body) {
    if (body.at("apps").empty()) {
        print(fmt::format("no apps: put a manifest into {} (see podreeve(1))",
                          directories_of(body.at("agent"))));
    } else {
        print(table_of(body.at("apps")));
    }
    const json& agent = body.at("agent");
    if (!agent.value("podman_reachable", false) && agent.value("passes", 0) > 0) {
        print(paint("podman cannot be read: " + agent.value("podman_error", ""), Colour::Red));
    }
    if (const std::string error = agent.value("pass_error", ""); !error.empty()) {
        print(paint("the last pass failed: " + error, Colour::Red));
    }
    if (const auto slow = slow_pass(agent.value("pass_since", ""))) {
        print(paint(*slow, Colour::Yellow));
    }
    for (const json& condition : agent.value("conditions", json::array())) {
        print(paint(
            fmt::format("{}: {}", condition.value("type", ""), condition.value("message", "")),
            Colour::Yellow));
    }
    const std::string store = agent.at("store").value("message", "");
    if (!store.empty()) {
        print(paint(store, Colour::Yellow));
    }
    if (const std::string aside = agent.at("store").value("set_aside", ""); !aside.empty()) {
        print(
            paint(fmt::format("the state was corrupt and is kept as {}: stops that were asked for "
                              "before, and the history, are not known any more",
                              aside),
                  Colour::Yellow));
    }
    const json& summary = body.at("summary");
    print(fmt::format("{} of {} apps up", summary.value("up", 0), summary.value("total", 0)));
    return kOk;
}

std::string facts_of(const json& app) {
    std::string text;
    const auto line = [&](const char* name, const std::string& value) {
        if (!value.empty()) {
            text += fmt::format("{:<13}{}\n", std::string(name) + ":", value);
        }
    };
    line("App", app.value("name", ""));
    line("Name", app.value("display_name", ""));
    line("Version", app.value("version", ""));
    line("Manifest", app.value("file", ""));
    line("State",
         fmt::format("{} for {}",
                     paint(app.value("state", ""), colour_of_state(app.value("state", ""))),
                     age(app.value("since", ""))));
    line("Message", app.value("message", ""));
    line("Wanted down", app.value("down_because", ""));
    line("Health", app.value("health", ""));
    line("Ready", readiness(app));
    line("Generation", std::to_string(app.value("generation", 0)));
    if (app.value("change", 0) != 0) {
        line("Change", fmt::format("{} (`podreeve change {}` shows it)", app.value("change", 0),
                                   app.value("change", 0)));
    }
    return text;
}

int print_one(const json& app) {
    print(facts_of(app));
    Table parts({"PART", "KIND", "STATE", "RESTARTS", "ID", "IMAGE"});
    for (const json& part : app.at("parts")) {
        parts.add(
            {{part.value("object", "")},
             {part.value("kind", "")},
             {part.value("state", ""), part.value("ready", false) ? Colour::Green : Colour::Yellow},
             {std::to_string(part.value("restarts", 0))},
             {part.value("id", "").substr(0, 12)},
             {part.value("image", "")}});
    }
    print("\n" + parts.text());
    for (const json& condition : app.at("conditions")) {
        print(fmt::format("{} {} ({}): {}", paint("!", Colour::Yellow), condition.value("type", ""),
                          age(condition.value("since", "")), condition.value("message", "")));
    }
    const json events = app.value("events", json::array());
    for (std::size_t i = events.size() > 10 ? events.size() - 10 : 0; i < events.size(); ++i) {
        print(fmt::format("{}  {}: {}", events[i].value("time", ""), events[i].value("state", ""),
                          events[i].value("message", "")));
    }
    return kOk;
}

int run_status(const Common& common, const std::string& name) {
    const AgentClient agent(common.socket);
    const Result<json> body =
        agent.get(name.empty() ? "/v1/apps" : "/v1/apps/" + http::encode(name));
    if (!body) {
        return print_error(body.error(), common.json);
    }
    if (common.json) {
        print_json(*body);
        return kOk;
    }
    return name.empty() ? print_all(*body) : print_one(*body);
}

}  // namespace

void add_status(CLI::App& root, Common& common, CommandAction& action) {
    CLI::App* command = root.add_subcommand("status", "Show how the apps stand, or all about one");
    const auto name = std::make_shared<std::string>();
    command->add_option("APP", *name, "All about this app");
    command->callback([&common, &action, name] {
        action = [&common, name] { return run_status(common, *name); };
    });
}

}  // namespace podreeve::cli
