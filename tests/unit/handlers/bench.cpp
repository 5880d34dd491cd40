#include "tests/unit/handlers/bench.h"

#include <algorithm>
#include <fstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "agent/handlers/plan_to_change.h"
#include "agent/observe/observed.h"

namespace podreeve::handlers::testing {

using nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr int kMostRetries = 500;

manifests::ContainerSpec container(const std::string& part, const std::string& pod) {
    manifests::ContainerSpec spec;
    spec.part = part;
    spec.name = pod.empty() ? part : "web-" + part.substr(part.find('/') + 1);
    spec.pod = pod;
    spec.image = "localhost/busybox:latest";
    spec.command = {"sleep", "1000"};
    spec.command_set = true;
    spec.labels = {{"tier", "front"}};
    return spec;
}

manifests::VolumeSpec volume(const std::string& name, manifests::VolumeOrigin origin) {
    manifests::VolumeSpec spec;
    spec.part = "volume/" + name;
    spec.name = name;
    spec.origin = origin;
    return spec;
}

manifests::AppSpec app(const std::string& color) {
    manifests::AppSpec spec;
    spec.name = "web";
    spec.networks.push_back({"network/shared", std::string(manifests::kSharedNetwork), true});
    spec.volumes.push_back(volume("web-data", manifests::VolumeOrigin::Claim));
    spec.volumes.push_back(volume("web-tmp", manifests::VolumeOrigin::EmptyDir));
    manifests::VolumeSpec files = volume("web-cfg", manifests::VolumeOrigin::ConfigMap);
    files.files = {{"color", color, 0644}, {"deep/inner.conf", "x=1\n", 0600}};
    spec.volumes.push_back(files);
    spec.secrets.push_back({"secret/key", "web-key", "hunter2-" + color, {}});
    manifests::PodSpec pod;
    pod.part = "pod";
    pod.name = "web";
    pod.hostname = "web";
    pod.labels = {{"tier", "front"}};
    spec.pods.push_back(pod);
    manifests::ContainerSpec init = container("pod/prepare", "pod");
    init.role = manifests::ContainerRole::Init;
    init.command = {"true"};
    spec.containers.push_back(init);
    spec.containers.push_back(container("pod/server", "pod"));
    spec.containers.push_back(container("pod/side", "pod"));
    manifests::ContainerSpec alone = container("solo", "");
    alone.env = {{"COLOR", color}};
    spec.containers.push_back(alone);
    manifests::CompanionSpec proxy;
    proxy.part = "proxy.container";
    proxy.text = "[Container]\nImage=localhost/proxy\nEnvironment=COLOR=" + color + "\n";
    proxy.drop_ins = {{"10-memory.conf", "[Container]\nMemory=64m\n"}};
    spec.companions.push_back(proxy);
    return spec;
}

std::string outcome_text(const state::TaskOutcome& outcome) {
    if (const auto* error = std::get_if<Error>(&outcome)) {
        return error->message;
    }
    if (const auto* wait = std::get_if<state::TaskWait>(&outcome)) {
        return "waits: " + wait->why;
    }
    if (const auto* again = std::get_if<state::TaskRetry>(&outcome)) {
        return "retries for ever: " + again->why;
    }
    return "";
}

json without_link(std::map<std::string, std::string> labels) {
    const auto link = labels.find(observe::kLabelService);
    if (link != labels.end()) {
        link->second = "linked";
    }
    return labels;
}

json files_in(const fs::path& root) {
    json files = json::object();
    std::error_code error;
    for (const auto& entry : fs::recursive_directory_iterator(root, error)) {
        const std::string name = fs::relative(entry.path(), root).string();
        std::ifstream in(entry.path());
        const auto mode = static_cast<unsigned>(entry.symlink_status().permissions());
        files[name] = {entry.is_directory() ? "directory"
                                            : std::string(std::istreambuf_iterator<char>(in), {}),
                       mode};
    }
    return files;
}

template <class T>
T value_of(Result<T> result) {
    EXPECT_TRUE(result) << (result ? "" : result.error().message);
    return result ? std::move(*result) : T{};
}

// Infra containers and untouched stubs have names made of ids and digests.
json containers_of(const std::vector<podman::ContainerSummary>& rows) {
    json out = json::array();
    for (const podman::ContainerSummary& row : rows) {
        const std::string name = row.is_infra ? row.pod_name + " infra" : row.name;
        out.push_back({name, std::string(to_string(row.state)), row.image, row.pod_name,
                       without_link(row.labels)});
    }
    std::sort(out.begin(), out.end());
    return out;
}

}  // namespace

StoredTask::StoredTask(std::string kind, const std::string& data)
    : kind_(std::move(kind)), data_(json::parse(data)) {}

Status StoredTask::save(const json& patch) {
    data_.merge_patch(patch);
    if (++saves == dies_at_save) {
        return fail(Code::Cancelled, "killed");
    }
    return {};
}

Bench::Bench(const std::string& podman_version) {
    fakes::FakePodman::Options options;
    options.version = podman_version;
    options.clock = &time;
    podman = std::make_unique<fakes::FakePodman>(options);
    client = std::make_unique<podman::Client>(podman->socket_path());
    state = value_of(state::State::open(directory / "state", time));
    old_spec = std::make_shared<const manifests::AppSpec>(app("red"));
    new_spec = std::make_shared<const manifests::AppSpec>(app("green"));
    old_hash = manifests::spec_hash(*old_spec);
    new_hash = manifests::spec_hash(*new_spec);
    specs.put(old_hash, old_spec);
    specs.put(new_hash, new_spec);
    companions = std::make_unique<CompanionWorld>();
    companions->systemd = units.calls();
    companions->folder = directory / "quadlet";
    companions->kept = directory / "kept";
    companions->owner = {state->owner(), true};
    world = std::make_unique<World>(
        World{*client, specs, *state, time, state->owner(), "/proc", {}, companions.get()});
}

StoredTask Bench::task(plan::StepKind kind,
                       const std::string& part,
                       const std::string& object,
                       json details,
                       const std::string& id) {
    plan::AppPlan plan;
    plan.app = "web";
    plan.action = plan::AppAction::Deploy;
    plan.spec = new_hash;
    plan.generation = 2;
    plan::Step step;
    step.kind = kind;
    step.part = part;
    step.object = object;
    step.id = id;
    step.details = details.dump();
    plan.steps.push_back(step);
    const state::NewChange change = to_change(plan);
    return StoredTask(change.tasks.at(0).kind, change.tasks.at(0).data);
}

state::TaskOutcome Bench::run_once(StoredTask& task) {
    const auto kind = plan::step_kind_from(task.kind());
    return handlers_for(*row_of(kind.value()), *world).run(task);
}

state::TaskOutcome Bench::undo_once(StoredTask& task) {
    const auto kind = plan::step_kind_from(task.kind());
    const auto handlers = handlers_for(*row_of(kind.value()), *world);
    return handlers.undo ? handlers.undo(task) : state::TaskOutcome{state::TaskDone{}};
}

std::string Bench::run(StoredTask& task) {
    state::TaskOutcome outcome = run_once(task);
    for (int i = 0; i < kMostRetries && std::holds_alternative<state::TaskRetry>(outcome); ++i) {
        outcome = run_once(task);
    }
    return outcome_text(outcome);
}

std::string Bench::undo(StoredTask& task) {
    state::TaskOutcome outcome = undo_once(task);
    for (int i = 0; i < kMostRetries && std::holds_alternative<state::TaskRetry>(outcome); ++i) {
        outcome = undo_once(task);
    }
    return outcome_text(outcome);
}

void Bench::must(plan::StepKind kind,
                 const std::string& part,
                 const std::string& object,
                 json details,
                 const std::string& id) {
    StoredTask step = task(kind, part, object, std::move(details), id);
    EXPECT_EQ(run(step), "") << to_string(kind) << " " << object;
}

json Bench::labels(const std::string& part,
                   const std::string& role,
                   const std::string& hash) const {
    return {{observe::kLabelApp, "web"},      {observe::kLabelPart, part},
            {observe::kLabelRole, role},      {observe::kLabelSpec, hash},
            {observe::kLabelGeneration, "2"}, {observe::kLabelOwner, state->owner()}};
}

std::string Bench::snapshot() {
    // One request more lets podman do what it leaves for later.
    value_of(client->list_pods({}));
    json out;
    out["containers"] = containers_of(value_of(client->list_containers({})));
    for (const podman::PodSummary& pod : value_of(client->list_pods({}))) {
        out["pods"][pod.name] = {std::string(to_string(pod.status)), without_link(pod.labels)};
    }
    for (const podman::VolumeDetails& volume : value_of(client->list_volumes({}))) {
        out["volumes"][volume.name] = {volume.labels, files_in(volume.mountpoint)};
    }
    for (const podman::NetworkDetails& network : value_of(client->list_networks({}))) {
        // Any play makes that one, and nobody ever removes it.
        if (network.name != manifests::kSharedNetwork) {
            out["networks"][network.name] = network.labels;
        }
    }
    for (const podman::SecretDetails& secret : value_of(client->list_secrets({}))) {
        out["secrets"][secret.name] = secret.labels;
    }
    for (const char* image : {"localhost/busybox:latest", "localhost:5000/web:1"}) {
        out["images"][image] = value_of(client->image_exists(image, {}));
    }
    out["units"] = units.snapshot();
    out["unit files"] = files_in(directory / "quadlet");
    if (const auto record = state->app("web")) {
        out["deployed"] = record->deployed_spec;
    }
    std::string text = out.dump(1);
    const std::string& owner = state->owner();
    for (auto at = text.find(owner); at != std::string::npos; at = text.find(owner)) {
        text.replace(at, owner.size(), "us");
    }
    return text;
}

const KindRow* row_of(plan::StepKind kind) {
    const auto& rows = table();
    const auto found = std::find_if(rows.begin(), rows.end(),
                                    [&](const KindRow& row) { return row.kind == kind; });
    EXPECT_TRUE(found != rows.end()) << "no handler for " << to_string(kind);
    return found == rows.end() ? nullptr : &*found;
}

}  // namespace podreeve::handlers::testing
