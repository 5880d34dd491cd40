// podreeve run FILE: keeps the app of one file for as long as this process lives.
#include <cerrno>
#include <filesystem>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "agent/cli/commands.h"
#include "agent/cli/output.h"

namespace podreeve::cli {
namespace {

// The agent that was installed with this command, or the first in $PATH.
std::string agent_program() {
    std::error_code error;
    const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
    const std::filesystem::path beside = self.parent_path() / "podreeved";
    return !error && std::filesystem::exists(beside, error) ? beside.string() : "podreeved";
}

int run_run(const Common& common, const std::string& file, const std::string& propagation) {
    const std::string program = agent_program();
    ::execlp(program.c_str(), "podreeved", "--run", file.c_str(), "--exit-code-propagation",
             propagation.c_str(), nullptr);
    return print_error(errno_error(fmt::format("run {}", program), errno), common.json);
}

}  // namespace

void add_run(CLI::App& root, Common& common, CommandAction& action) {
    CLI::App* command = root.add_subcommand(
        "run", "Keep the app of one file until it is stopped; for systemd units");
    const auto file = std::make_shared<std::string>();
    const auto propagation = std::make_shared<std::string>("any");
    command->add_option("FILE", *file, "The manifest")->required();
    command
        ->add_option("--exit-code-propagation", *propagation,
                     "End with the exit code of a container that failed: none, any, all (when all "
                     "did)")
        ->check(CLI::IsMember({"none", "any", "all"}))
        ->capture_default_str();
    command->callback([&common, &action, file, propagation] {
        action = [&common, file, propagation] { return run_run(common, *file, *propagation); };
    });
}

}  // namespace podreeve::cli
