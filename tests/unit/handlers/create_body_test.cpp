#include "agent/handlers/create_body.h"

#include <gtest/gtest.h>

namespace podreeve::handlers {

namespace {

using manifests::Mount;
using manifests::MountKind;

const Labels kOurs{{"io.podreeve.app", "web"}, {"tier", "ours"}};

manifests::ContainerSpec full_container() {
    manifests::ContainerSpec spec;
    spec.part = "pod/server";
    spec.name = "web-server";
    spec.pod = "pod";
    spec.image = "localhost/web:1";
    spec.entrypoint = {"serve"};
    spec.entrypoint_set = true;
    spec.env = {{"COLOR", "red"}};
    spec.working_dir = "/srv";
    spec.ports = {{"", 8080, 80, "tcp"}};
    spec.resources.memory_limit = 64 << 20;
    spec.resources.memory_reservation = 32 << 20;
    spec.resources.cpu_milli_limit = 500;
    spec.resources.cpu_milli_request = 250;
    spec.security.user = "5:6";
    spec.security.groups = {7};
    spec.security.cap_add = {"NET_ADMIN"};
    spec.security.cap_drop = {"MKNOD"};
    spec.security.read_only_root = true;
    spec.security.no_new_privileges = true;
    spec.security.selinux = {{"level", "s0:c1"}};
    spec.security.seccomp = "unconfined";
    spec.labels = {{"tier", "front"}, {"zone", "a"}};
    spec.annotations = {{"note", "hi"}};
    spec.networks = {"never"};
    spec.stop_grace = std::chrono::seconds(42);
    spec.tty = true;
    spec.stdin_open = true;
    return spec;
}

TEST(ContainerBody, HoldsAllThatTheManifestSays) {
    const auto body = container_body(full_container(), "POD", kOurs);
    EXPECT_EQ(body.name, "web-server");
    EXPECT_EQ(body.pod, "POD");
    EXPECT_EQ(body.image, "localhost/web:1");
    EXPECT_EQ(body.env, (std::map<std::string, std::string>{{"COLOR", "red"}}));
    EXPECT_EQ(body.working_dir, "/srv");
    EXPECT_EQ(body.memory_limit, 64 << 20);
    EXPECT_EQ(body.memory_reservation, 32 << 20);
    EXPECT_EQ(body.user, "5:6");
    EXPECT_EQ(body.groups, std::vector<std::string>{"7"});
    EXPECT_EQ(body.cap_add, std::vector<std::string>{"NET_ADMIN"});
    EXPECT_EQ(body.cap_drop, std::vector<std::string>{"MKNOD"});
    EXPECT_EQ(body.read_only_root, true);
    EXPECT_EQ(body.no_new_privileges, true);
    EXPECT_EQ(body.privileged, std::nullopt);
    EXPECT_EQ(body.selinux_opts, std::vector<std::string>{"level:s0:c1"});
    EXPECT_EQ(body.seccomp_profile, "unconfined");
    EXPECT_EQ(body.annotations, (Labels{{"note", "hi"}}));
    EXPECT_TRUE(body.terminal);
    EXPECT_TRUE(body.stdin_open);
    EXPECT_EQ(body.stop_timeout, 42U);
    EXPECT_EQ(body.restart_policy, "no");
    EXPECT_EQ(body.init_container_type, "");
    EXPECT_EQ(body.extra_json, (Labels{{"manage_password", "false"}}));
}

TEST(ContainerBody, LimitsTheCpuButLeavesRequestsToTheManifestAsKubePlayDoes) {
    const auto body = container_body(full_container(), "POD", kOurs);
    EXPECT_EQ(body.cpu_period, 100'000);
    EXPECT_EQ(body.cpu_quota, 50'000);
    EXPECT_EQ(body.cpu_shares, std::nullopt);
}

TEST(ContainerBody, PutsPodreevesLabelsOverThePersons) {
    const auto body = container_body(full_container(), "POD", kOurs);
    EXPECT_EQ(body.labels, (Labels{{"io.podreeve.app", "web"}, {"tier", "ours"}, {"zone", "a"}}));
}

TEST(ContainerBody, LeavesNetworkAndPortsToThePod) {
    const auto body = container_body(full_container(), "POD", kOurs);
    EXPECT_TRUE(body.networks.empty());
    EXPECT_TRUE(body.ports.empty());
    EXPECT_EQ(body.netns, "");
    EXPECT_EQ(body.hostname, "");
}

TEST(ContainerBody, PublishesPortsAndJoinsNetworksWhenItStandsAlone) {
    manifests::ContainerSpec spec = full_container();
    spec.pod.clear();
    spec.hostname = "solo";
    spec.networks = {"shared"};
    spec.network_aliases = {"solo"};
    spec.ports = {{"127.0.0.1", 8080, 80, "tcp"}, {"", 0, 81, "udp"}};
    const auto body = container_body(spec, "", kOurs);
    ASSERT_EQ(body.ports.size(), 1U) << "a port without hostPort is not published";
    EXPECT_EQ(body.ports[0].host_ip, "127.0.0.1");
    EXPECT_EQ(body.ports[0].host_port, 8080);
    EXPECT_EQ(body.ports[0].container_port, 80);
    EXPECT_EQ(body.networks.at("shared"), std::vector<std::string>{"solo"});
    EXPECT_EQ(body.netns, "bridge");
    EXPECT_EQ(body.hostname, "solo");
    spec.host_network = true;
    const auto on_host = container_body(spec, "", kOurs);
    EXPECT_EQ(on_host.netns, "host");
    EXPECT_TRUE(on_host.networks.empty());
}

TEST(ContainerBody, TakesWhatTheManifestIsSilentOnFromTheImage) {
    struct KindRow {
        bool entrypoint_set, command_set;
        std::optional<std::vector<std::string>> entrypoint, command;
    };

    const std::vector<std::string> serve{"serve"}, args{"-v"}, none;
    for (const KindRow& row : std::vector<KindRow>{{false, false, std::nullopt, std::nullopt},
                                                   {true, false, serve, none},
                                                   {false, true, std::nullopt, args},
                                                   {true, true, serve, args}}) {
        manifests::ContainerSpec spec;
        spec.entrypoint = row.entrypoint_set ? serve : none;
        spec.entrypoint_set = row.entrypoint_set;
        spec.command = row.command_set ? args : none;
        spec.command_set = row.command_set;
        const auto body = container_body(spec, "", {});
        EXPECT_EQ(body.entrypoint, row.entrypoint);
        EXPECT_EQ(body.command, row.command);
    }
}

TEST(ContainerBody, MountsAsKubePlayDoes) {
    manifests::ContainerSpec spec;
    Mount volume{MountKind::Volume, "data", "/data", "inner", true, {}, ""};
    Mount bind{MountKind::Bind, "/srv/x", "/x", "", false, {"podreeve:create-dir", "z"}, ""};
    Mount below{MountKind::Bind, "/srv/x", "/y", "sub", true, {"bind"}, ""};
    Mount memory{MountKind::Tmpfs, "", "/mem", "", false, {"size=1m"}, ""};
    spec.mounts = {volume, bind, below, memory};
    const auto body = container_body(spec, "", {});
    ASSERT_EQ(body.volumes.size(), 1U);
    EXPECT_EQ(body.volumes[0].name, "data");
    EXPECT_EQ(body.volumes[0].target, "/data");
    EXPECT_EQ(body.volumes[0].sub_path, "inner");
    EXPECT_EQ(body.volumes[0].options, std::vector<std::string>{"ro"});
    ASSERT_EQ(body.mounts.size(), 3U);
    EXPECT_EQ(body.mounts[0].type, "bind");
    EXPECT_EQ(body.mounts[0].source, "/srv/x");
    EXPECT_EQ(body.mounts[0].options, (std::vector<std::string>{"rbind", "z", "rw"}));
    EXPECT_EQ(body.mounts[1].source, "/srv/x/sub");
    EXPECT_EQ(body.mounts[1].options, (std::vector<std::string>{"bind", "ro"}));
    EXPECT_EQ(body.mounts[2].type, "tmpfs");
    EXPECT_EQ(body.mounts[2].options, (std::vector<std::string>{"size=1m", "rw"}));
}

TEST(ContainerBody, RunsInitContainersOnce) {
    manifests::ContainerSpec spec;
    spec.role = manifests::ContainerRole::Init;
    EXPECT_EQ(container_body(spec, "POD", {}).init_container_type, "once");
}

TEST(PodBody, HoldsAllThatTheManifestSays) {
    manifests::PodSpec spec;
    spec.name = "web";
    spec.hostname = "front";
    spec.labels = {{"tier", "front"}};
    spec.ports = {{"", 8080, 80, "tcp"}, {"", 0, 81, "tcp"}};
    spec.networks = {"shared"};
    spec.network_aliases = {"server"};
    spec.host_aliases = {{"db", "10.0.0.1"}};
    spec.dns_servers = {"10.0.0.2"};
    spec.dns_searches = {"lan"};
    spec.dns_options = {"ndots:1"};
    spec.sysctls = {{"net.core.somaxconn", "1"}};
    spec.host_pid = true;
    spec.host_ipc = true;
    const auto body = pod_body(spec, "SERVICE", kOurs);
    EXPECT_EQ(body.name, "web");
    EXPECT_EQ(body.hostname, "front");
    EXPECT_EQ(body.labels, kOurs);
    EXPECT_EQ(body.ports.size(), 1U);
    EXPECT_EQ(body.networks.at("shared"), std::vector<std::string>{"server"});
    EXPECT_EQ(body.netns, "bridge");
    EXPECT_EQ(body.exit_policy, "continue");
    EXPECT_EQ(body.restart_policy, "no");
    EXPECT_EQ(body.service_container_id, "SERVICE");
    EXPECT_TRUE(body.shared_namespaces.empty());
    EXPECT_TRUE(body.host_pid);
    EXPECT_TRUE(body.host_ipc);
    EXPECT_EQ(body.hostadd, std::vector<std::string>{"db:10.0.0.1"});
    EXPECT_EQ(body.dns_server, spec.dns_servers);
    EXPECT_EQ(body.dns_search, spec.dns_searches);
    EXPECT_EQ(body.dns_option, spec.dns_options);
    EXPECT_EQ(body.sysctls, spec.sysctls);
}

TEST(PodBody, SharesTheProcessesOnlyWhenAsked) {
    manifests::PodSpec spec;
    spec.share_pid = true;
    EXPECT_EQ(pod_body(spec, "", {}).shared_namespaces,
              (std::vector<std::string>{"ipc", "net", "uts", "pid"}));
}

TEST(PodBody, JoinsNoNetworkOnTheHosts) {
    manifests::PodSpec spec;
    spec.host_network = true;
    spec.networks = {"shared"};
    const auto body = pod_body(spec, "", {});
    EXPECT_EQ(body.netns, "host");
    EXPECT_TRUE(body.networks.empty());
}

TEST(VolumeBody, KeepsFilledVolumesInTheAgentsHands) {
    manifests::VolumeSpec spec;
    spec.name = "cfg";
    spec.labels = {{"tier", "front"}};
    for (const auto origin :
         {manifests::VolumeOrigin::ConfigMap, manifests::VolumeOrigin::Secret}) {
        spec.origin = origin;
        const auto filled =
            volume_body(spec, {{"io.podreeve.app", "web"}, {"io.podreeve.owner", "0123"}});
        EXPECT_EQ(filled.options, (Labels{{"o", "uid=0,gid=0"}}));
        EXPECT_EQ(filled.labels.at("io.podreeve.volume"), "0123/cfg");
    }
    spec.origin = manifests::VolumeOrigin::Claim;
    spec.options = {{"type", "tmpfs"}};
    spec.driver = "local";
    const auto claim = volume_body(spec, kOurs);
    EXPECT_EQ(claim.options, spec.options);
    EXPECT_EQ(claim.driver, "local");
    EXPECT_EQ(claim.labels, kOurs);
}

}  // namespace

}  // namespace podreeve::handlers
