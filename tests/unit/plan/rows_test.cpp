#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "agent/plan/steps.h"
#include "tests/unit/plan/apps.h"
#include "tests/unit/plan/world.h"

// One directory a row of the table of states: case.json says what is desired, what became of it on
// the host and what the policy is; plan.expected is the plan, step by step.
//
// case.json: app (a sample), deployed (it stood as desired first; default true), about (for
// people), spec (edits of the desired spec), observed (edits of the host), policy (of the app),
// desired, complete, removals_allowed, problem, held (why its removal is), let_go (apps),
// resources, holds, lost (containers of which podman does not know that they are gone). A
// "service of APP" is the name of its service container.
namespace podreeve::plan::test {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

std::string read(const fs::path& path) {
    std::ifstream in(path);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

std::string read_case(const fs::path& path) {
    std::string text = read(path);
    for (const char* app : {"shop", "greeter", "batch"}) {
        const std::string words = fmt::format("\"service of {}\"", app);
        for (auto at = text.find(words); at != std::string::npos; at = text.find(words)) {
            text.replace(at, words.size(), fmt::format("\"{}\"", service_name(app, kOwner)));
        }
    }
    return text;
}

void edit_spec(manifests::AppSpec& app, const json& edit) {
    if (edit.contains("container")) {
        for (auto& container : app.containers) {
            if (container.part == edit.at("container")) {
                container.image = edit.value("image", container.image);
                container.name = edit.value("name", container.name);
                if (edit.contains("env")) {
                    container.env["COLOR"] = edit.at("env");
                }
                if (edit.value("pull", "") == "Never") {
                    container.pull = manifests::PullPolicy::Never;
                } else if (edit.value("pull", "") == "Always") {
                    container.pull = manifests::PullPolicy::Always;
                }
                if (edit.value("restart", "") == "OnFailure") {
                    container.restart = manifests::RestartPolicy::OnFailure;
                } else if (edit.value("restart", "") == "Never") {
                    container.restart = manifests::RestartPolicy::Never;
                }
                if (edit.contains("host_port")) {
                    container.ports = {{"", edit.at("host_port"), 80, "tcp"}};
                }
            }
        }
    }
    if (edit.contains("pod")) {
        for (auto& pod : app.pods) {
            if (pod.part == edit.at("pod")) {
                pod.ports.push_back({"", edit.at("host_port"), 443, "tcp"});
            }
        }
    }
    if (edit.contains("drop")) {
        const std::string part = edit.at("drop");
        std::erase_if(app.containers,
                      [&](const auto& row) { return row.part == part || row.pod == part; });
        std::erase_if(app.pods, [&](const auto& row) { return row.part == part; });
        std::erase_if(app.volumes, [&](const auto& row) { return row.part == part; });
        std::erase_if(app.secrets, [&](const auto& row) { return row.part == part; });
    }
    if (edit.contains("secret")) {
        app.secrets.at(0).data = edit.at("secret");
    }
}

void edit_container(World& world, const json& edit) {
    podman::ContainerSummary& row = world.container(edit.at("container"));
    if (edit.contains("exit_code")) {
        world.end_container(row.name, edit.at("exit_code"));
    }
    if (edit.value("cut_off", false)) {
        row.state = podman::ContainerState::Exited;
        row.exit_code = 0;
        row.exited.reset();
    }
    if (edit.contains("state")) {
        row.state = podman::container_state_from(edit.at("state").get<std::string>());
    }
    const json labels = edit.value("labels", json::object());
    for (const auto& [key, value] : labels.items()) {
        row.labels[key] = value;
    }
    row.name = edit.value("rename", row.name);
}

void edit_host(World& world, const json& edit) {
    if (edit.contains("container")) {
        edit_container(world, edit);
    } else if (edit.contains("infra_of")) {
        json infra = edit;
        infra["container"] = world.pod(edit.at("infra_of")).id.substr(0, 12) + "-infra";
        edit_container(world, infra);
    } else if (edit.contains("down")) {
        const std::string id = world.pod(edit.at("down")).id;
        for (const auto& row : world.observe().containers) {
            if (row.pod_id == id) {
                world.end_container(row.name, edit.value("code", 0));
            }
        }
    } else if (edit.contains("remove_container")) {
        world.remove_container(edit.at("remove_container"));
    } else if (edit.contains("remove_pod")) {
        world.remove_pod(edit.at("remove_pod"));
    } else if (edit.contains("add_container")) {
        auto& row = world.add_container(edit.at("add_container"),
                                        edit.value("labels", std::map<std::string, std::string>()));
        row.state = podman::container_state_from(edit.value("state", "running"));
    } else if (edit.contains("add_pod")) {
        world.add_pod(edit.at("add_pod"),
                      edit.value("labels", std::map<std::string, std::string>()));
    } else if (edit.contains("copy_of")) {
        const podman::ContainerSummary original = world.container(edit.at("copy_of"));
        auto& row = world.add_container(edit.at("name"), original.labels);
        row.pod_id = original.pod_id;
        row.pod_name = original.pod_name;
        row.state = podman::container_state_from(edit.value("state", "exited"));
    } else if (edit.contains("volume")) {
        auto& volume = world.volumes_[edit.at("volume")];
        volume = {edit.at("volume"), "", "", {}, {}, false, {}};
        if (edit.contains("role")) {  // one of ours, made as that
            volume.labels = {{observe::kLabelApp, edit.at("of")},
                             {observe::kLabelOwner, kOwner},
                             {observe::kLabelRole, edit.at("role")}};
        }
    } else {
        FAIL() << "no such edit: " << edit.dump();
    }
}

void edit_policy(AppPolicy& policy, const json& edit, const std::string& hash) {
    policy.stopped = edit.value("stopped", false);
    policy.busy = edit.value("busy", false);
    policy.hold_start = edit.contains("hold_start");
    policy.why = edit.value("hold_start", "");
    policy.generation = edit.value("generation", std::int64_t{1});
    policy.generation_spec = edit.value("generation_spec", "");
    const json parts = edit.value("parts", json::object());
    for (const auto& [part, why] : parts.items()) {
        policy.parts[part] = {true, why};
    }
    for (const auto& name : edit.value("stuck", json::array())) {
        policy.stuck.insert(name);
    }
    if (edit.contains("deployed_spec")) {
        policy.deployed_spec =
            edit.at("deployed_spec") == "same" ? hash : edit.at("deployed_spec").get<std::string>();
    }
}

void edit_unhealthy(AppPolicy& policy, const json& edit, World& world) {
    const json unhealthy = edit.value("unhealthy", json::object());
    for (const auto& [name, how] : unhealthy.items()) {
        AppPolicy::Unhealthy& row = policy.unhealthy[world.container(name).id];
        row.why = how.at("why");
        if (how.contains("grace")) {
            row.stop_grace = how.at("grace").get<std::int64_t>();
        }
    }
}

void deploy(World& world, const manifests::Desired& desired) {
    const Plan plan = diff(desired, world.observe(true), policy());
    for (const auto& [name, app] : plan.apps) {
        world.run(app);
    }
}

std::string short_id(const std::string& id) {
    return id.empty() ? "-" : "#" + std::to_string(std::stoull(id.substr(0, 12), nullptr, 16));
}

std::string line(std::size_t index, const Step& step) {
    json details = json::parse(step.details);
    details.erase("labels");
    details.erase("spec");
    details.erase("old_spec");
    const bool undo = details.value("undo", true);
    details.erase("undo");
    std::string text =
        fmt::format("{:2} {} {} {}", index, to_string(step.kind), step.object, short_id(step.id));
    text += step.after.empty() ? "" : fmt::format(" after {}", fmt::join(step.after, ","));
    text += fmt::format("\n     because {}\n", step.reason);
    text += details.empty() ? "" : fmt::format("     with {}\n", details.dump());
    text += undo ? fmt::format("     undo {}\n", step.inverse) : "";
    return text;
}

std::string render(const Plan& plan) {
    std::string text;
    for (const auto& [name, app] : plan.apps) {
        text += fmt::format("{}: {} generation {}\n", name, to_string(app.action), app.generation);
        for (std::size_t i = 0; i < app.steps.size(); ++i) {
            text += line(i, app.steps[i]);
        }
        for (const Condition& condition : app.conditions) {
            text += fmt::format("!  {} {} [{}] {}\n", condition.type, condition.reason,
                                condition.part, condition.message);
        }
    }
    return text + (plan.needs_resources ? "needs resources\n" : "");
}

// Of a container, or of the infra container of the pod "POD's infra".
std::string find_id(World& world, const std::string& name) {
    const std::size_t infra = name.find("'s infra");
    return infra == std::string::npos ? world.container(name).id
                                      : world.pod(name.substr(0, infra)).infra_id;
}

struct Row {
    manifests::Desired desired;
    observe::Observed observed;
    Policy rules = policy();
};

Row load(const json& row) {
    World world(row.value("holds", true));
    manifests::AppSpec app = sample(row.at("app"));
    for (const auto& container : app.containers) {
        world.add_image(container.image);
    }
    if (row.value("deployed", true)) {
        deploy(world, desire({app}));
    }
    for (const json& edit : row.value("spec", json::array())) {
        edit_spec(app, edit);
    }
    for (const json& edit : row.value("observed", json::array())) {
        edit_host(world, edit);
    }
    Row loaded;
    loaded.desired = row.value("desired", true) ? desire({app}) : manifests::Desired{};
    loaded.desired.complete = row.value("complete", true);
    if (row.contains("problem")) {
        Diagnostic wrong;
        wrong.position = {row.at("problem").at("file"), 3, 5};
        wrong.path = "spec.imge";
        wrong.message = "unknown field";
        loaded.desired.problems.push_back(
            {row.at("problem").value("app", ""),
             row.at("problem").at("file"),
             {wrong},
             row.at("problem").value("could_be_any", !row.at("problem").contains("app"))});
    }
    if (row.contains("held")) {
        loaded.desired.held[app.name] = {"DirectoryOutOfSight", row.at("held").get<std::string>()};
    }
    loaded.desired.let_go = row.value("let_go", std::set<std::string>());
    loaded.rules.removals_allowed = row.value("removals_allowed", true);
    edit_policy(loaded.rules.apps[app.name], row.value("policy", json::object()),
                manifests::spec_hash(app));
    edit_unhealthy(loaded.rules.apps[app.name], row.value("policy", json::object()), world);
    loaded.observed = world.observe(row.value("resources", true));
    for (const auto& name : row.value("lost", json::array())) {
        loaded.observed.lost.insert(find_id(world, name));
    }
    for (const auto& image : row.value("images_gone", json::array())) {
        loaded.observed.resources->images[image] = false;
    }
    return loaded;
}

std::vector<std::string> rows() {
    std::vector<std::string> names;
    for (const auto& entry :
         fs::directory_iterator(fs::path(PODREEVE_SOURCE_DIR) / "tests/fixtures/plan")) {
        names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
}

class Rows : public testing::TestWithParam<std::string> {};

TEST_P(Rows, IsPlannedAsWrittenDown) {
    const fs::path directory = fs::path(PODREEVE_SOURCE_DIR) / "tests/fixtures/plan" / GetParam();
    const Row row = load(json::parse(read_case(directory / "case.json")));
    const std::string plan = render(diff(row.desired, row.observed, row.rules));
    // For whoever changes plan: writes what it is now, to be read in the diff of the commit.
    if (std::getenv("PODREEVE_REWRITE_FIXTURES") != nullptr) {
        std::ofstream(directory / "plan.expected") << plan;
    }
    EXPECT_EQ(plan, read(directory / "plan.expected"));
}

INSTANTIATE_TEST_SUITE_P(Plan, Rows, testing::ValuesIn(rows()), [](const auto& row) {
    std::string name = row.param;
    std::replace_if(
        name.begin(), name.end(), [](char c) { return std::isalnum(c) == 0; }, '_');
    return name;
});

TEST(Rows, AreAtLeastForty) {
    EXPECT_GE(rows().size(), 40U);
}

}  // namespace
}  // namespace podreeve::plan::test
