#include "agent/cli/commands.h"

#include <algorithm>
#include <sstream>
#include <unistd.h>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/cli/output.h"
#include "runtime/base/nearest.h"
#include "runtime/base/paths.h"

namespace podreeve::cli {
namespace {

constexpr const char* kAbout =
    "podreeve keeps this host's Podman apps exactly as their manifests say.\n"
    "It talks to the agent podreeved; `check` needs none.";

constexpr const char* kFooter =
    "Exit codes: 0 done, 1 an error, 2 `diff` found something to change.\n"
    "`podreeve help COMMAND` explains more; the manual is podreeve(1).";

// --json belongs before or after the command's name, as people write it either way.
void add_json_everywhere(CLI::App& root, Common& common) {
    root.add_flag("--json", common.json, "Print JSON instead of text");
    for (CLI::App* command : root.get_subcommands({})) {
        command->add_flag("--json", common.json, "Print JSON instead of text");
    }
}

using WordList = std::vector<std::string>;

// Where the command's name stands; the end when there is none.
WordList::iterator find_command(WordList& words) {
    for (auto word = words.begin(); word != words.end(); ++word) {
        if (*word == "--socket") {
            if (++word == words.end()) {
                break;
            }
        } else if (!word->starts_with('-')) {
            return word;
        }
    }
    return words.end();
}

// "help status" is said for "status --help".
void turn_help_into_option(WordList& words) {
    const auto help = find_command(words);
    if (help == words.end() || *help != "help") {
        return;
    }
    words.erase(help);
    words.emplace_back("--help");
}

Result<WordList> read_words(int argc, char** argv, const CLI::App& root) {
    WordList words(argv + 1, argv + argc);
    turn_help_into_option(words);
    const auto command = find_command(words);
    WordList names;
    for (const CLI::App* known : root.get_subcommands({})) {
        names.push_back(known->get_name());
    }
    if (command == words.end() || std::find(names.begin(), names.end(), *command) != names.end()) {
        return words;
    }
    const std::string nearest = nearest_name(*command, names);
    return fail(Code::InvalidArgument,
                fmt::format("cannot find a command '{}'; {}`podreeve --help` lists them", *command,
                            nearest.empty() ? "" : fmt::format("did you mean '{}'? ", nearest)));
}

// CLI11 has words of its own for the command line; ours start as all errors do.
Error usage_error(const CLI::App& root, const CLI::ParseError& error) {
    const auto& chosen = root.get_subcommands();
    const std::string command = chosen.empty() ? "" : chosen.front()->get_name() + " ";
    if (chosen.empty() && error.get_name() == "RequiredError") {
        return {Code::InvalidArgument,
                "cannot know what to do: there is no command; `podreeve --help` lists them"};
    }
    return {Code::InvalidArgument,
            fmt::format("cannot read the command line: {}; `podreeve {}--help` explains more",
                        error.what(), command)};
}

int print_usage_error(const Error& error, const WordList& words) {
    const bool as_json = std::find(words.begin(), words.end(), "--json") != words.end();
    return take_output_error(print_error(error, as_json));
}

int perform(const CommandAction& action, const Common& common) {
    try {
        return take_output_error(action());
    } catch (const nlohmann::json::exception&) {
        // An agent of another version, or no agent at all on that socket.
        return print_error(
            {Code::Corrupt, fmt::format("cannot understand the answer on {}: is that the agent's "
                                        "socket, and of the same version?",
                                        common.socket)},
            common.json);
    }
}

}  // namespace

int run(int argc, char** argv) {
    Common common;
    CommandAction action;
    if (const Result<Paths> paths = paths_for(::geteuid(), process_environment())) {
        common.socket = paths->api_socket.string();
    }
    CLI::App root(kAbout, "podreeve");
    root.footer(kFooter);
    root.add_option("--socket", common.socket, "Socket of the agent")->capture_default_str();
    root.require_subcommand(1);
    for (const auto add : {add_status, add_check, add_diff, add_reconcile, add_changes, add_abort,
                           add_undo, add_history, add_events, add_apps, add_run, add_why, add_prune,
                           add_shutdown, add_version}) {
        add(root, common, action);
    }
    add_json_everywhere(root, common);
    Result<WordList> words = read_words(argc, argv, root);
    if (!words) {
        return print_usage_error(words.error(), WordList(argv + 1, argv + argc));
    }
    try {
        root.parse(
            WordList(words->rbegin(), words->rend()));  // as CLI11 takes them: the last first
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() != 0) {
            return print_usage_error(usage_error(root, error), *words);
        }
        std::ostringstream help;
        root.exit(error, help, help);
        print(help.str());
        return take_output_error(kOk);
    }
    return perform(action, common);
}

}  // namespace podreeve::cli
