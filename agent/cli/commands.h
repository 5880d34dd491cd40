#pragma once

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace podreeve::cli {

// What every command shares.
struct Common {
    std::string socket;  // of the agent
    bool json = false;
};

// A command adds itself below the root and, when it was the one asked for, sets action to what runs
// it; the action gives the exit code. common and action outlive the parsing.
using CommandAction = std::function<int()>;

void add_status(CLI::App& root, Common& common, CommandAction& action);
void add_check(CLI::App& root, Common& common, CommandAction& action);
void add_diff(CLI::App& root, Common& common, CommandAction& action);
void add_reconcile(CLI::App& root, Common& common, CommandAction& action);
void add_changes(CLI::App& root, Common& common, CommandAction& action);
void add_abort(CLI::App& root, Common& common, CommandAction& action);
void add_prune(CLI::App& root, Common& common, CommandAction& action);
void add_undo(CLI::App& root, Common& common, CommandAction& action);
void add_history(CLI::App& root, Common& common, CommandAction& action);
void add_events(CLI::App& root, Common& common, CommandAction& action);
void add_apps(CLI::App& root, Common& common, CommandAction& action);
void add_run(CLI::App& root, Common& common, CommandAction& action);
void add_shutdown(CLI::App& root, Common& common, CommandAction& action);
void add_why(CLI::App& root, Common& common, CommandAction& action);
void add_version(CLI::App& root, Common& common, CommandAction& action);

// Reads the command line and runs the command; the exit code of the program.
int run(int argc, char** argv);

}  // namespace podreeve::cli
