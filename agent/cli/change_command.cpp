#include "agent/cli/change_command.h"

#include <memory>

#include <CLI/CLI.hpp>

namespace podreeve::cli {

void add_change_command(CLI::App& root,
                        Common& common,
                        Action& action,
                        const ChangeVerb& verb,
                        int (*run)(const Common&, std::int64_t id)) {
    CLI::App* command = root.add_subcommand(verb.name, verb.about);
    const auto id = std::make_shared<std::int64_t>();
    command->add_option("ID", *id, "Number of the change")->required()->check(CLI::PositiveNumber);
    command->callback(
        [&common, &action, id, run] { action = [&common, id, run] { return run(common, *id); }; });
}

}  // namespace podreeve::cli
