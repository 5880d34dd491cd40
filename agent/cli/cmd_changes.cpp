// podreeve changes [--app APP] [-n N]; podreeve change ID; podreeve abort ID
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

Colour status_colour(const std::string& status) {
    if (status == "Done") {
        return Colour::Green;
    }
    return status == "Error" || status == "Undone" || status == "Hold" ? Colour::Red
                                                                       : Colour::Yellow;
}

int run_changes(const Common& common, const std::string& app, unsigned limit) {
    std::string target = fmt::format("/v1/changes?limit={}", limit);
    if (!app.empty()) {
        target += "&app=" + http::encode(app);
    }
    const Result<json> body = AgentClient(common.socket).get(target);
    if (!body) {
        return print_error(body.error(), common.json);
    }
    if (common.json) {
        print_json(*body);
        return kOk;
    }
    Table table({"ID", "APP", "STATUS", "AGE", "SUMMARY"});
    for (const json& change : body->at("changes")) {
        const std::string status = change.value("status", "");
        table.add({{std::to_string(change.value("id", 0))},
                   {change.value("app", "")},
                   {status, status_colour(status)},
                   {age(change.value("created", ""))},
                   {change.value("summary", "")}});
    }
    print(body->at("changes").empty() ? "no changes yet" : table.text());
    return kOk;
}

void print_task(const json& task) {
    const std::string status = task.value("status", "");
    print(fmt::format("  {:>5}  {}  {}", task.value("id", 0),
                      paint(fmt::format("{:<8}", status), status_colour(status)),
                      task.value("summary", "")));
    const std::string wait = task.value("wait_reason", "");
    const std::string progress = task.at("progress").value("label", "");
    for (const std::string& note : {wait, progress}) {
        if (!note.empty()) {
            print("                   " + note);
        }
    }
    for (const json& line : task.at("log")) {
        print(paint(
            fmt::format("                   {} {}", line.value("time", ""), line.value("text", "")),
            line.value("error", false) ? Colour::Red : Colour::Dim));
    }
}

int run_change(const Common& common, std::int64_t id) {
    const Result<json> change = AgentClient(common.socket).get(fmt::format("/v1/changes/{}", id));
    if (!change) {
        return print_error(change.error(), common.json);
    }
    if (common.json) {
        print_json(*change);
        return kOk;
    }
    const std::string status = change->value("status", "");
    print(fmt::format("Change {}: {}\n{}, began {} ago", id, change->value("summary", ""),
                      paint(status, status_colour(status)), age(change->value("created", ""))));
    for (const json& task : change->at("tasks")) {
        print_task(task);
    }
    if (const std::string error = change->value("error", ""); !error.empty()) {
        print(paint(error, Colour::Red));
    }
    return kOk;
}

int run_abort(const Common& common, std::int64_t id) {
    const Result<json> done =
        AgentClient(common.socket)
            .post(fmt::format("/v1/changes/{}/abort", id), std::chrono::seconds(30));
    if (!done) {
        return print_error(done.error(), common.json);
    }
    if (common.json) {
        print_json(*done);
    } else {
        print(fmt::format("change {} is being undone; `podreeve change {}` shows how far", id, id));
    }
    return kOk;
}

void add_by_id(CLI::App& root,
               Common& common,
               Action& action,
               const char* name,
               const char* about,
               int (*run)(const Common&, std::int64_t)) {
    CLI::App* command = root.add_subcommand(name, about);
    const auto id = std::make_shared<std::int64_t>();
    command->add_option("ID", *id, "Number of the change")->required()->check(CLI::PositiveNumber);
    command->callback(
        [&common, &action, id, run] { action = [&common, id, run] { return run(common, *id); }; });
}

}  // namespace

void add_changes(CLI::App& root, Common& common, Action& action) {
    CLI::App* command = root.add_subcommand("changes", "List what was done and is being done");
    const auto app = std::make_shared<std::string>();
    const auto limit = std::make_shared<unsigned>(20);
    command->add_option("--app", *app, "Only of this app");
    command->add_option("-n,--limit", *limit, "At most so many, newest first")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    command->callback([&common, &action, app, limit] {
        action = [&common, app, limit] { return run_changes(common, *app, *limit); };
    });
    add_by_id(root, common, action, "change", "Show one change and its tasks", run_change);
    add_by_id(root, common, action, "abort", "Stop a change and undo what it did", run_abort);
}

}  // namespace podreeve::cli
