// podreeve start APP; podreeve stop APP
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/cli/agent_client.h"
#include "agent/cli/commands.h"
#include "agent/cli/output.h"
#include "runtime/http/client.h"

namespace podreeve::cli {
namespace {

struct Verb {
    const char* name;
    const char* about;
    const char* done;
};

constexpr Verb kStart{"start", "Let an app run again after a stop", "is wanted up"};
constexpr Verb kStop{"stop", "Stop an app until it is started again, over reboots",
                     "is wanted down"};

int run_verb(const Common& common, const Verb& verb, const std::string& app) {
    const Result<nlohmann::json> done =
        AgentClient(common.socket)
            .post(fmt::format("/v1/apps/{}/{}", http::encode(app), verb.name),
                  std::chrono::seconds(30));
    if (!done) {
        return print_error(done.error(), common.json);
    }
    if (common.json) {
        print_json(*done);
    } else {
        print(fmt::format("{} {}; `podreeve status {}` shows how far it is", app, verb.done, app));
    }
    return kOk;
}

void add_verb(CLI::App& root, Common& common, Action& action, const Verb& verb) {
    CLI::App* command = root.add_subcommand(verb.name, verb.about);
    const auto app = std::make_shared<std::string>();
    command->add_option("APP", *app, "The app")->required();
    command->callback([&common, &action, &verb, app] {
        action = [&common, &verb, app] { return run_verb(common, verb, *app); };
    });
}

}  // namespace

void add_apps(CLI::App& root, Common& common, Action& action) {
    add_verb(root, common, action, kStart);
    add_verb(root, common, action, kStop);
}

}  // namespace podreeve::cli
