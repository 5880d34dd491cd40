#include "agent/cli/change_command.h"

#include <charconv>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace podreeve::cli {

namespace {

CLI::Validator change_number() {
    return {[](const std::string& word) {
                std::int64_t id = 0;
                const auto [end, error] =
                    std::from_chars(word.data(), word.data() + word.size(), id);
                const bool whole = error == std::errc() && end == word.data() + word.size();
                return whole && id > 0 ? std::string()
                                       : fmt::format(
                                             "'{}' is not the number of a change; "
                                             "`podreeve changes` lists them",
                                             word);
            },
            ""};
}

}  // namespace

void add_change_command(CLI::App& root,
                        Common& common,
                        CommandAction& action,
                        const ChangeVerb& verb,
                        int (*run)(const Common&, std::int64_t id)) {
    CLI::App* command = root.add_subcommand(verb.name, verb.about);
    const auto id = std::make_shared<std::int64_t>();
    command->add_option("ID", *id, "Number of the change")->required()->check(change_number());
    command->callback(
        [&common, &action, id, run] { action = [&common, id, run] { return run(common, *id); }; });
}

}  // namespace podreeve::cli
