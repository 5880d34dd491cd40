// podreeve changes [--app APP] [-n N]; podreeve change ID
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/cli/agent_client.h"
#include "agent/cli/change_command.h"
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
    const json& why = task.contains("why") ? task.at("why") : json();
    const std::string held = why.is_object() ? why.value("text", "") : "";
    const std::string progress = task.at("progress").value("label", "");
    for (const std::string& note : {held, progress}) {
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
    if (const std::int64_t behind = change->value("behind", std::int64_t{0}); behind != 0) {
        print(fmt::format("queued behind change {}", behind));
    }
    for (const json& task : change->at("tasks")) {
        print_task(task);
    }
    if (const std::string error = change->value("error", ""); !error.empty()) {
        print(paint(error, Colour::Red));
    }
    return kOk;
}

}  // namespace

void add_changes(CLI::App& root, Common& common, CommandAction& action) {
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
    add_change_command(root, common, action,
                       {"change", "Show one change, its tasks and why they have not ended"},
                       run_change);
}

}  // namespace podreeve::cli
