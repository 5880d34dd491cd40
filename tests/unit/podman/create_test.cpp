#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "runtime/podman/wire.h"

namespace podreeve::podman::wire {
namespace {

using Json = nlohmann::json;

TEST(ContainerCreate, SendsOnlyWhatIsSetAndWhatKeepsPodmanFromWatching) {
    ContainerCreate create;
    create.name = "a";
    create.image = "i";
    EXPECT_EQ(Json::parse(write_container_create(create)), Json::parse(R"({
        "name":"a", "image":"i", "restart_policy":"no", "stop_timeout":10,
        "sdnotifyMode":"ignore", "healthconfig":{"Test":["NONE"]}})"));
}

ContainerCreate full_container() {
    ContainerCreate create;
    create.name = "shop-web";
    create.pod = "shop";
    create.image = "localhost/busybox:latest";
    create.entrypoint = {"sh", "-c"};
    create.command = std::vector<std::string>{};
    create.env = {{"A", "1"}};
    create.labels = {{"l", "m"}};
    create.annotations = {{"n", "o"}};
    create.working_dir = "/tmp";
    create.user = "0";
    create.hostname = "h";
    create.groups = {"7"};
    create.terminal = true;
    create.stdin_open = true;
    create.mounts = {{"tmpfs", "", "/mem", {"rw"}}, {"bind", "/src", "/dst", {"rbind", "ro"}}};
    create.volumes = {{"data", "/data", "", {}}, {"conf", "/conf", "sub", {"ro"}}};
    create.ports = {{"127.0.0.1", 80, 8080, "tcp"}, {"", 53, 5353, "udp"}};
    create.networks = {{"shop", {"web"}}, {"other", {}}};
    create.netns = "bridge";
    create.memory_limit = 67108864;
    create.memory_reservation = 33554432;
    create.cpu_quota = 50000;
    create.cpu_period = 100000;
    create.cpu_shares = 256;
    create.cap_add = {"NET_ADMIN"};
    create.cap_drop = {"MKNOD"};
    create.privileged = false;
    create.read_only_root = true;
    create.no_new_privileges = true;
    create.selinux_opts = {"level:s0"};
    create.seccomp_profile = "unconfined";
    create.init_container_type = "once";
    create.stop_timeout = 3;
    return create;
}

TEST(ContainerCreate, NamesEachFieldAsPodmanDoes) {
    EXPECT_EQ(Json::parse(write_container_create(full_container())), Json::parse(R"({
        "name":"shop-web", "pod":"shop", "image":"localhost/busybox:latest",
        "entrypoint":["sh","-c"], "command":[], "env":{"A":"1"}, "labels":{"l":"m"},
        "annotations":{"n":"o"}, "work_dir":"/tmp", "user":"0", "hostname":"h", "groups":["7"],
        "terminal":true, "stdin":true,
        "mounts":[{"type":"tmpfs","destination":"/mem","options":["rw"]},
                  {"type":"bind","source":"/src","destination":"/dst","options":["rbind","ro"]}],
        "volumes":[{"Name":"data","Dest":"/data"},
                   {"Name":"conf","Dest":"/conf","SubPath":"sub","Options":["ro"]}],
        "portmappings":[{"host_ip":"127.0.0.1","container_port":80,"host_port":8080,"protocol":"tcp"},
                        {"container_port":53,"host_port":5353,"protocol":"udp"}],
        "Networks":{"shop":{"aliases":["web"]},"other":{}}, "netns":{"nsmode":"bridge"},
        "resource_limits":{"memory":{"limit":67108864,"reservation":33554432,"swap":0},
                           "cpu":{"quota":50000,"period":100000,"shares":256}},
        "cap_add":["NET_ADMIN"], "cap_drop":["MKNOD"], "privileged":false,
        "read_only_filesystem":true, "no_new_privileges":true, "selinux_opts":["level:s0"],
        "seccomp_profile_path":"unconfined", "init_container_type":"once",
        "restart_policy":"no", "stop_timeout":3,
        "sdnotifyMode":"ignore", "healthconfig":{"Test":["NONE"]}})"));
}

TEST(ContainerCreate, LetsAnExtraFieldWin) {
    ContainerCreate create;
    create.name = "a";
    create.extra_json = {{"shm_size", "65536"}, {"name", "\"b\""}, {"broken", "{"}};
    const Json sent = Json::parse(write_container_create(create));
    EXPECT_EQ(sent.at("shm_size"), 65536);
    EXPECT_EQ(sent.at("name"), "b");
    EXPECT_FALSE(sent.contains("broken"));
}

TEST(ContainerCreate, WritesValidJsonWhateverTheBytes) {
    ContainerCreate create;
    create.env = {{"BIN", "\xff\xfe"}};
    EXPECT_TRUE(Json::accept(write_container_create(create)));
}

TEST(PodCreate, NamesEachFieldAsPodmanDoes) {
    PodCreate create;
    create.name = "shop";
    create.hostname = "shop";
    create.labels = {{"l", "m"}};
    create.ports = {{"", 80, 8080, "tcp"}};
    create.networks = {{"shop", {"web"}}};
    create.netns = "bridge";
    create.service_container_id = "abc";
    create.shared_namespaces = {"ipc", "net", "uts", "pid"};
    create.host_pid = true;
    create.host_ipc = true;
    create.hostadd = {"db:10.0.0.1"};
    create.dns_server = {"1.1.1.1"};
    create.dns_search = {"x"};
    create.dns_option = {"ndots:2"};
    create.sysctls = {{"net.core.somaxconn", "9"}};
    EXPECT_EQ(Json::parse(write_pod_create(create)), Json::parse(R"({
        "name":"shop", "hostname":"shop", "labels":{"l":"m"},
        "portmappings":[{"container_port":80,"host_port":8080,"protocol":"tcp"}],
        "Networks":{"shop":{"aliases":["web"]}}, "netns":{"nsmode":"bridge"},
        "pidns":{"nsmode":"host"}, "ipcns":{"nsmode":"host"}, "exit_policy":"continue",
        "restart_policy":"no", "serviceContainerID":"abc",
        "shared_namespaces":["ipc","net","uts","pid"], "hostadd":["db:10.0.0.1"],
        "dns_server":["1.1.1.1"], "dns_search":["x"], "dns_option":["ndots:2"],
        "sysctl":{"net.core.somaxconn":"9"}})"));
}

TEST(VolumeCreate, NamesEachFieldAsPodmanDoes) {
    VolumeDetails volume;
    volume.name = "v";
    volume.driver = "local";
    volume.labels = {{"a", "b"}};
    volume.options = {{"type", "tmpfs"}};
    EXPECT_EQ(Json::parse(write_volume_create(volume)),
              Json::parse(
                  R"({"Name":"v","Driver":"local","Label":{"a":"b"},"Options":{"type":"tmpfs"}})"));
}

TEST(NetworkCreate, NamesEachFieldAsPodmanDoes) {
    NetworkDetails network;
    network.name = "n";
    network.driver = "bridge";
    network.dns_enabled = true;
    network.labels = {{"a", "b"}};
    EXPECT_EQ(
        Json::parse(write_network_create(network)),
        Json::parse(R"({"name":"n","driver":"bridge","dns_enabled":true,"labels":{"a":"b"}})"));
}

}  // namespace
}  // namespace podreeve::podman::wire
