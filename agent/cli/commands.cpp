#include "agent/cli/commands.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/cli/output.h"
#include "runtime/base/paths.h"

namespace podreeve::cli {
namespace {

constexpr const char* kAbout =
    "podreeve keeps this host's Podman apps exactly as their manifests say.\n"
    "It talks to the agent podreeved; `check` needs none.";

constexpr const char* kFooter =
    "Exit codes: 0 done, 1 an error, 2 `diff` found something to change.\n"
    "`podreeve COMMAND --help` tells more; the manual is podreeve(1).";

// --json belongs before or after the command's name, as people write it either way.
void add_json_everywhere(CLI::App& root, Common& common) {
    root.add_flag("--json", common.json, "Print JSON instead of text");
    for (CLI::App* command : root.get_subcommands({})) {
        command->add_flag("--json", common.json, "Print JSON instead of text");
    }
}

}  // namespace

int run(int argc, char** argv) {
    Common common;
    Action action;
    if (const Result<Paths> paths = paths_for(::geteuid(), process_environment())) {
        common.socket = paths->api_socket.string();
    }
    CLI::App root(kAbout, "podreeve");
    root.footer(kFooter);
    root.add_option("--socket", common.socket, "Socket of the agent")->capture_default_str();
    root.require_subcommand(1);
    for (const auto add :
         {add_status, add_check, add_diff, add_reconcile, add_changes, add_abort, add_undo,
          add_events, add_apps, add_run, add_why, add_shutdown, add_version}) {
        add(root, common, action);
    }
    add_json_everywhere(root, common);
    try {
        root.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return root.exit(error) == 0 ? kOk : kError;
    }
    try {
        return action();
    } catch (const nlohmann::json::exception&) {
        // An agent of another version, or no agent at all on that socket.
        return print_error(
            {Code::Corrupt, fmt::format("cannot understand the answer on {}: is that the agent's "
                                        "socket, and of the same version?",
                                        common.socket)},
            common.json);
    }
}

}  // namespace podreeve::cli
