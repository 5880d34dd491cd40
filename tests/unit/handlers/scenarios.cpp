#include "tests/unit/handlers/scenarios.h"

#include <fstream>

#include <gtest/gtest.h>

#include "agent/observe/observed.h"
#include "agent/plan/steps.h"

namespace podreeve::handlers::testing {

using nlohmann::json;
using plan::StepKind;

namespace {

std::string container_hash(const Bench& bench, const std::string& part) {
    return plan::label_spec(*bench.new_spec->find_container(part));
}

std::string pod_hash(const Bench& bench) {
    return plan::label_spec(*bench.new_spec, *bench.new_spec->find_pod("pod"));
}

json container_details(const Bench& bench,
                       const std::string& part,
                       const std::string& pod,
                       const std::string& role) {
    return {{"labels", bench.labels(part, role, container_hash(bench, part))},
            {"pod", pod},
            {"role", role},
            {"image", "localhost/busybox:latest"}};
}

json pod_details(const Bench& bench, const std::string& service, bool held) {
    return {{"labels", bench.labels("pod", plan::kRolePod, pod_hash(bench))},
            {"held", held},
            {"service", service}};
}

json service_details(const Bench& bench, bool held) {
    return {{"labels", bench.labels(plan::kServicePart, plan::kRoleService, "")}, {"held", held}};
}

json volume_details(const Bench& bench, const std::string& part, const char* role) {
    const auto* spec = bench.new_spec->find_volume(part);
    return {{"labels", bench.labels(part, role, manifests::spec_hash(*spec))},
            {"origin", std::string(role).substr(std::string("volume-").size())}};
}

json secret_details(const Bench& bench) {
    return {{"labels", bench.labels("secret/key", plan::kRoleSecret,
                                    plan::label_spec(bench.new_spec->secrets[0]))},
            {"replace", false}};
}

void make_volume(Bench& bench, const std::string& name, const char* role) {
    bench.must(StepKind::CreateVolume, "volume/" + name, name,
               volume_details(bench, "volume/" + name, role));
}

void nothing(Bench&) {}

void foreign_volume(Bench& bench, const std::string& name) {
    podman::VolumeDetails volume;
    volume.name = name;
    EXPECT_TRUE(bench.client->create_volume(volume, {}));
}

void foreign_container(Bench& bench, const std::string& name) {
    bench.podman->create_behind_back(
        {{"name", name}, {"image", "localhost/busybox:latest"}, {"command", {"sleep", "1000"}}});
}

void foreign_pod(Bench& bench) {
    podman::PodCreate pod;
    pod.name = "web";
    EXPECT_TRUE(bench.client->create_pod(pod, {}));
}

void foreign_secret(Bench& bench) {
    podman::SecretDetails secret;
    secret.name = "web-key";
    EXPECT_TRUE(bench.client->create_secret(secret, "theirs", {}));
}

void foreign_alone(Bench& bench) {
    foreign_container(bench, "solo");
}

Scenario on_volume(StepKind kind, const char* name, const char* volume, const char* role) {
    Scenario row;
    row.name = std::string(to_string(kind)) + name;
    row.kind = kind;
    row.given = nothing;
    row.step = [=](Bench& bench) {
        const std::string part = std::string("volume/") + volume;
        return bench.task(kind, part, volume, volume_details(bench, part, role));
    };
    row.foreign = [=](Bench& bench) { foreign_volume(bench, volume); };
    return row;
}

// A step on the lone container, by its id.
Scenario on_alone(StepKind kind, bool started, json details) {
    Scenario row;
    row.name = to_string(kind);
    row.kind = kind;
    row.given = [=](Bench& bench) { make_alone(bench, started); };
    row.step = [=](Bench& bench) {
        return bench.task(kind, "solo", "solo", details, bench.podman->id_of("solo"));
    };
    row.foreign = foreign_alone;
    return row;
}

std::vector<Scenario> preparing() {
    std::vector<Scenario> rows;
    Scenario ports{.name = "check-ports", .kind = StepKind::CheckPorts, .undoable = false};
    ports.changes = false;
    ports.given = nothing;
    ports.step = [](Bench& bench) {
        return bench.task(StepKind::CheckPorts, "", "web", {{"ports", json::array()}});
    };
    rows.push_back(ports);

    Scenario pull{.name = "pull-image", .kind = StepKind::PullImage, .undoable = false};
    pull.given = [](Bench& bench) { bench.podman->add_to_registry("localhost:5000/web:1"); };
    pull.step = [](Bench& bench) {
        return bench.task(StepKind::PullImage, "", "localhost:5000/web:1",
                          {{"policy", "IfNotPresent"}});
    };
    rows.push_back(pull);

    Scenario network{.name = "ensure-network", .kind = StepKind::EnsureNetwork, .undoable = false};
    network.given = nothing;
    network.step = [](Bench& bench) {
        return bench.task(StepKind::EnsureNetwork, "network/shared", "web-net",
                          {{"labels", json::object()}});
    };
    rows.push_back(network);

    rows.push_back(on_volume(StepKind::CreateVolume, "", "web-tmp", plan::kRoleVolumeEmptyDir));
    Scenario claim =
        on_volume(StepKind::CreateVolume, " claim", "web-data", plan::kRoleVolumeClaim);
    claim.reverses = false;
    claim.foreign = nullptr;  // it may be claimed
    rows.push_back(claim);

    Scenario files =
        on_volume(StepKind::WriteVolumeFiles, "", "web-cfg", plan::kRoleVolumeConfigMap);
    files.given = [](Bench& bench) {
        was_deployed(bench);
        make_volume(bench, "web-cfg", plan::kRoleVolumeConfigMap);
        StoredTask before = bench.task(StepKind::WriteVolumeFiles, "volume/web-cfg", "web-cfg", {});
        EXPECT_EQ(bench.undo(before), "");  // the files of the spec that was deployed
    };
    rows.push_back(files);
    return rows;
}

std::vector<Scenario> secrets() {
    Scenario create{.name = "create-secret", .kind = StepKind::CreateSecret};
    create.given = nothing;
    create.step = [](Bench& bench) {
        return bench.task(StepKind::CreateSecret, "secret/key", "web-key", secret_details(bench));
    };
    create.foreign = foreign_secret;
    Scenario replace = create;
    replace.name = "create-secret replaces";
    replace.given = [](Bench& bench) {
        was_deployed(bench);
        StoredTask before =
            bench.task(StepKind::CreateSecret, "secret/key", "web-key", secret_details(bench));
        EXPECT_EQ(bench.undo(before), "");  // that of the spec that was deployed
    };
    Scenario remove = create;
    remove.name = "remove-secret";
    remove.kind = StepKind::RemoveSecret;
    remove.undoable = false;
    remove.given = [](Bench& bench) {
        bench.must(StepKind::CreateSecret, "secret/key", "web-key", secret_details(bench));
    };
    remove.step = [](Bench& bench) {
        return bench.task(StepKind::RemoveSecret, "", "web-key", json::object());
    };
    return {create, replace, remove};
}

std::vector<Scenario> making() {
    std::vector<Scenario> rows;
    for (const bool held : {true, false}) {
        Scenario service{.name = "create-service", .kind = StepKind::CreateService};
        service.name += held ? " held" : " plain";
        service.only_held = held;
        service.given = nothing;
        service.step = [held](Bench& bench) {
            return bench.task(StepKind::CreateService, plan::kServicePart, "web-service",
                              service_details(bench, held));
        };
        service.foreign = [](Bench& bench) { foreign_container(bench, "web-service"); };
        rows.push_back(service);
    }
    Scenario pod{.name = "create-pod", .kind = StepKind::CreatePod};
    pod.given = nothing;
    pod.step = [](Bench& bench) {
        return bench.task(StepKind::CreatePod, "pod", "web", pod_details(bench, "", false));
    };
    pod.foreign = foreign_pod;
    rows.push_back(pod);
    Scenario held = pod;
    held.name = "create-pod held";
    held.only_held = true;
    held.reverses = false;  // the service container goes with it; see service_container_test
    held.given = [](Bench& bench) { make_service(bench, true); };
    held.step = [](Bench& bench) {
        return bench.task(StepKind::CreatePod, "pod", "web",
                          pod_details(bench, "web-service", true));
    };
    rows.push_back(held);

    Scenario alone{.name = "create-container", .kind = StepKind::CreateContainer};
    alone.given = nothing;
    alone.step = [](Bench& bench) {
        return bench.task(StepKind::CreateContainer, "solo", "solo",
                          container_details(bench, "solo", "", "workload"));
    };
    alone.foreign = foreign_alone;
    rows.push_back(alone);
    Scenario member = alone;
    member.name = "create-container in a pod";
    member.given = [](Bench& bench) {
        bench.must(StepKind::CreatePod, "pod", "web", pod_details(bench, "", false));
    };
    member.step = [](Bench& bench) {
        return bench.task(StepKind::CreateContainer, "pod/server", "web-server",
                          container_details(bench, "pod/server", "web", "workload"));
    };
    member.foreign = [](Bench& bench) { foreign_container(bench, "web-server"); };
    rows.push_back(member);
    return rows;
}

std::vector<Scenario> running() {
    std::vector<Scenario> rows;
    rows.push_back(on_alone(StepKind::StartContainer, false, {{"pod", ""}, {"role", "workload"}}));
    rows.push_back(on_alone(StepKind::StopContainer, true, {{"grace", 3}, {"role", "workload"}}));
    rows.push_back(on_alone(StepKind::RetainContainer, true, {{"retained", "solo-retained-0"}}));
    Scenario renamed = on_alone(StepKind::RenameContainer, true, json::object());
    renamed.undoable = false;
    renamed.given = [](Bench& bench) {
        make_alone(bench, true);
        EXPECT_TRUE(bench.client->rename_container("solo", "moved", {}));
    };
    renamed.step = [](Bench& bench) {
        const std::string id = bench.podman->id_of("moved");
        return bench.task(StepKind::RenameContainer, "solo", "solo", json::object(),
                          id.empty() ? bench.podman->id_of("solo") : id);
    };
    rows.push_back(renamed);
    Scenario remove =
        on_alone(StepKind::RemoveContainer, true, {{"force", true}, {"why", "removed"}});
    remove.undoable = false;
    rows.push_back(remove);

    for (const bool with_init : {false, true}) {
        Scenario start{.name = "start-pod", .kind = StepKind::StartPod};
        start.name += with_init ? " with init containers" : "";
        start.reverses = !with_init;  // they are gone once they have run
        start.only_held = true;
        start.given = [with_init](Bench& bench) {
            make_service(bench, true);
            make_pod(bench, "web-service", true, with_init);
        };
        start.step = [](Bench& bench) {
            return bench.task(StepKind::StartPod, "pod", "web",
                              {{"service", "web-service"},
                               {"held", true},
                               {"containers", {"web-server", "web-side"}}});
        };
        start.foreign = foreign_pod;
        rows.push_back(start);
    }
    Scenario plain = rows.back();
    plain.name = "start-pod plain";
    plain.only_held = false;
    plain.reverses = false;  // a plain service container is stopped by a task of its own
    plain.given = [](Bench& bench) {
        make_service(bench, false);
        make_pod(bench, "web-service", false, true);
    };
    plain.step = [](Bench& bench) {
        return bench.task(StepKind::StartPod, "pod", "web",
                          {{"service", "web-service"},
                           {"held", false},
                           {"containers", {"web-server", "web-side"}}});
    };
    rows.push_back(plain);

    Scenario stop{.name = "stop-pod", .kind = StepKind::StopPod};
    stop.only_held = true;
    stop.given = [](Bench& bench) {
        make_service(bench, true);
        make_pod(bench, "web-service", true, false);
        start_pod(bench, "web-service", true);
    };
    stop.step = [](Bench& bench) {
        return bench.task(StepKind::StopPod, "pod", "web", {{"grace", 2}},
                          bench.podman->id_of("web"));
    };
    stop.foreign = foreign_pod;
    rows.push_back(stop);
    return rows;
}

std::vector<Scenario> removing() {
    std::vector<Scenario> rows;
    Scenario pod{.name = "remove-pod", .kind = StepKind::RemovePod};
    pod.only_held = true;
    pod.given = [](Bench& bench) {
        was_deployed(bench);
        make_service(bench, true);
        make_pod(bench, "web-service", true, true);
    };
    pod.step = [](Bench& bench) {
        return bench.task(StepKind::RemovePod, "pod", "web",
                          {{"why", "replaced"},
                           {"force", true},
                           {"old_spec", pod_hash(bench)},
                           {"old_generation", 1},
                           {"service", "web-service"},
                           {"held", true}},
                          bench.podman->id_of("web"));
    };
    pod.foreign = foreign_pod;
    rows.push_back(pod);

    for (const bool held : {true, false}) {
        Scenario service{.name = "remove-service", .kind = StepKind::RemoveService};
        service.name += held ? " held" : " plain";
        service.undoable = false;
        service.only_held = held;
        service.given = [held](Bench& bench) {
            make_service(bench, held);
            make_pod(bench, "web-service", held, false);
        };
        service.step = [held](Bench& bench) {
            const std::string id = bench.podman->id_of("web-service");
            bench.podman->lag_service_work(40);  // podman has yet to remove it
            bench.podman->remove_behind_back("web");
            return bench.task(StepKind::RemoveService, plan::kServicePart, "web-service",
                              {{"held", held}}, id);
        };
        service.foreign = [](Bench& bench) { foreign_container(bench, "web-service"); };
        rows.push_back(service);
    }
    Scenario volume = on_volume(StepKind::RemoveVolume, "", "web-tmp", plan::kRoleVolumeEmptyDir);
    volume.undoable = false;
    volume.given = [](Bench& bench) { make_volume(bench, "web-tmp", plan::kRoleVolumeEmptyDir); };
    rows.push_back(volume);
    return rows;
}

std::vector<Scenario> marking() {
    Scenario mark{.name = "mark-deployed", .kind = StepKind::MarkDeployed};
    mark.given = was_deployed;
    mark.step = [](Bench& bench) {
        return bench.task(StepKind::MarkDeployed, "", "web",
                          {{"spec", bench.new_hash}, {"generation", 2}});
    };
    return {mark};
}

// -- companions

constexpr const char* kProxy = "proxy.container";
constexpr const char* kProxyService = "proxy.service";

json unit_details() {
    return {{"folder", "web"}, {"generation", 2}, {"own_drop_in", "[Unit]\nAfter=lan.service\n"}};
}

void install_proxy(Bench& bench) {
    bench.must(StepKind::InstallUnit, kProxy, kProxy, unit_details());
}

void write_foreign_unit(Bench& bench) {
    const auto folder = bench.directory / "quadlet" / "web";
    std::filesystem::create_directories(folder);
    std::ofstream(folder / kProxy) << "[Container]\nImage=theirs\n";
}

std::vector<Scenario> unit_files() {
    Scenario install{.name = "install-unit", .kind = StepKind::InstallUnit};
    install.given = [](Bench&) {};
    install.step = [](Bench& bench) {
        return bench.task(StepKind::InstallUnit, kProxy, kProxy, unit_details());
    };
    install.foreign = write_foreign_unit;
    Scenario update = install;
    update.name = "install-unit over a former one";
    update.given = [](Bench& bench) {
        install_proxy(bench);
        std::ofstream(bench.directory / "quadlet/web/proxy.container", std::ios::app)
            << "# edited\n";
    };
    Scenario remove{.name = "remove-unit", .kind = StepKind::RemoveUnit};
    remove.given = install_proxy;
    remove.step = [](Bench& bench) {
        return bench.task(StepKind::RemoveUnit, kProxy, kProxy, {{"folder", "web"}});
    };
    remove.foreign = write_foreign_unit;
    Scenario reload{.name = "reload-units", .kind = StepKind::ReloadUnits, .undoable = false};
    reload.changes = false;  // of what a snapshot shows
    reload.given = [](Bench&) {};
    reload.step = [](Bench& bench) {
        return bench.task(StepKind::ReloadUnits, "", "web", {{"reloads", 0}});
    };
    return {install, update, remove, reload};
}

Scenario unit_job(const std::string& name, StepKind kind, const std::string& before) {
    Scenario job{.name = name, .kind = kind};
    job.given = [before](Bench& bench) { bench.units[kProxyService] = {before, 1, false}; };
    job.step = [kind](Bench& bench) {
        return bench.task(kind, kProxy, kProxyService, json::object());
    };
    return job;
}

// As Quadlet's service would leave it.
void unit_container(Bench& bench, const std::string& name, const std::string& service) {
    bench.podman->create_behind_back({{"name", name},
                                      {"image", "localhost/busybox:latest"},
                                      {"command", {"sleep", "1000"}},
                                      {"labels", {{observe::kLabelSystemdUnit, service}}}});
}

std::vector<Scenario> unit_jobs() {
    Scenario note = unit_job("note-units", StepKind::NoteUnits, "active");
    note.step = [](Bench& bench) {
        return bench.task(StepKind::NoteUnits, "", "web", {{"services", {kProxyService}}});
    };
    note.changes = false;
    Scenario started = unit_job("start-unit that runs", StepKind::StartUnit, "active");
    started.changes = false;
    Scenario stop = unit_job("stop-unit", StepKind::StopUnit, "active");
    stop.undoable = false;
    Scenario restart = unit_job("restart-unit", StepKind::RestartUnit, "active");
    restart.undoable = restart.changes = false;
    Scenario reset = unit_job("reset-failed", StepKind::ResetFailed, "failed");
    reset.undoable = false;
    Scenario leftover = unit_job("remove-leftover", StepKind::RemoveLeftover, "inactive");
    leftover.undoable = false;
    leftover.given = [](Bench& bench) {
        bench.units[kProxyService] = {"inactive", 1, false};
        unit_container(bench, "systemd-proxy", kProxyService);
        unit_container(bench, "mine", kProxyService);
        unit_container(bench, "systemd-other", "other.service");
    };
    leftover.step = [](Bench& bench) {
        return bench.task(StepKind::RemoveLeftover, kProxy, kProxyService,
                          {{"container", "systemd-proxy"}});
    };
    return {note,   stop,     restart,
            reset,  leftover, unit_job("start-unit", StepKind::StartUnit, "inactive"),
            started};
}

}  // namespace

void was_deployed(Bench& bench) {
    state::AppRecord record;
    record.name = "web";
    record.generation = 1;
    record.spec = bench.old_hash;
    record.deployed_spec = bench.old_hash;
    EXPECT_TRUE(bench.state->put_app(record));
}

void make_service(Bench& bench, bool held) {
    bench.must(StepKind::CreateService, plan::kServicePart, "web-service",
               service_details(bench, held));
}

void make_pod(Bench& bench, const std::string& service, bool held, bool with_init) {
    bench.must(StepKind::CreatePod, "pod", "web", pod_details(bench, service, held));
    if (with_init) {
        bench.must(StepKind::CreateContainer, "pod/prepare", "web-prepare",
                   container_details(bench, "pod/prepare", "web", "init"));
    }
    for (const char* name : {"server", "side"}) {
        const std::string part = std::string("pod/") + name;
        bench.must(StepKind::CreateContainer, part, std::string("web-") + name,
                   container_details(bench, part, "web", "workload"));
    }
}

void start_pod(Bench& bench, const std::string& service, bool held) {
    bench.must(StepKind::StartPod, "pod", "web",
               {{"service", service}, {"held", held}, {"containers", {"web-server", "web-side"}}});
}

void make_alone(Bench& bench, bool started) {
    bench.must(StepKind::CreateContainer, "solo", "solo",
               container_details(bench, "solo", "", "workload"));
    if (started) {
        bench.must(StepKind::StartContainer, "solo", "solo", {{"pod", ""}, {"role", "workload"}});
    }
}

const std::vector<Scenario>& scenarios() {
    static const std::vector<Scenario> all = [] {
        std::vector<Scenario> rows;
        for (const auto& group : {preparing(), secrets(), making(), running(), removing(),
                                  marking(), unit_files(), unit_jobs()}) {
            rows.insert(rows.end(), group.begin(), group.end());
        }
        return rows;
    }();
    return all;
}

}  // namespace podreeve::handlers::testing
