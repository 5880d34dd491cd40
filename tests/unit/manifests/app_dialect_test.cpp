#include <gtest/gtest.h>

#include "tests/unit/manifests/compiling.h"

namespace podreeve::manifests {
namespace {

using Words = std::vector<std::string>;
using Map = std::map<std::string, std::string>;

const char kHead[] = "app:\n  id: clock\n  name: The clock\n  version: 1.10\n";
const char kImage[] = "  container: {image: localhost/a}\n";

AppSpec clock_with(const std::string& more) {
    return app_of(std::string(kHead) + kImage + more, "any-name.yaml");
}

TEST(AppDialect, TheLeastIsOneContainerThatStandsAlone) {
    const AppSpec app = clock_with("");
    EXPECT_EQ(app.name, "clock");
    EXPECT_EQ(app.display_name, "The clock");
    EXPECT_EQ(app.version, "1.10");
    EXPECT_EQ(app.dialect, Dialect::App);
    EXPECT_TRUE(app.pods.empty());
    ASSERT_EQ(app.containers.size(), 1U);
    const ContainerSpec& c = app.containers[0];
    EXPECT_EQ(c.part, "clock");
    EXPECT_EQ(c.name, "clock");
    EXPECT_EQ(c.pod, "");
    EXPECT_EQ(c.hostname, "clock");
    EXPECT_EQ(c.pull, PullPolicy::IfNotPresent);
    EXPECT_EQ(c.networks, Words{"podman-default-kube-network"});
    EXPECT_EQ(c.network_aliases, Words{"clock"});
    EXPECT_EQ(c.stop_grace, std::chrono::seconds(10));
    EXPECT_TRUE(app.autostart);
}

TEST(AppDialect, ReadsAllItsFields) {
    const AppSpec app =
        app_of(std::string(kHead) +
               "  description: tells the time\n  container:\n    image: a:1\n    entrypoint: "
               "[sh]\n    command: [-c, 8080]\n    environment: {A: 1, B: true, C: }\n"
               "  environment: [\"A=0\", \"D=x=y\"]\n"
               "  ports: [{host: 80, container: 8080, bind: 127.0.0.1}, {host: 53, container: 53, "
               "protocol: udp}]\n"
               "  volumes:\n    - {type: bind, source: /srv/x, target: /x, options: [ro, Z]}\n    "
               "- {type: volume, source: Data_1, target: /d}\n"
               "    - {type: tmpfs, target: /t, options: [size=1m]}\n"
               "  resources: {cpu_limit: 0.5, memory_limit: 64m}\n  restart: until-success\n  "
               "depends_on: [db, {app: cache, is: healthy}]\n"
               "  stop_grace_secs: 0\n  autostart: false\n");
    const ContainerSpec& c = app.containers.at(0);
    EXPECT_EQ(c.entrypoint, Words{"sh"});
    EXPECT_EQ(c.command, (Words{"-c", "8080"}));
    EXPECT_EQ(c.env, (Map{{"A", "1"}, {"B", "true"}, {"C", ""}, {"D", "x=y"}}));
    EXPECT_EQ(c.ports, (std::vector<Port>{{"127.0.0.1", 80, 8080, "tcp"}, {"", 53, 53, "udp"}}));
    ASSERT_EQ(c.mounts.size(), 3U);
    EXPECT_EQ(c.mounts[0], (Mount{MountKind::Bind, "/srv/x", "/x", "", true, {"Z"}, ""}));
    EXPECT_EQ(c.mounts[1], (Mount{MountKind::Volume, "Data_1", "/d", "", false, {}, ""}));
    EXPECT_EQ(c.mounts[2], (Mount{MountKind::Tmpfs, "", "/t", "", false, {"size=1m"}, ""}));
    ASSERT_EQ(app.volumes.size(), 1U);
    EXPECT_EQ(app.volumes[0].part, "volume/Data_1");
    EXPECT_EQ(app.volumes[0].origin, VolumeOrigin::Plain);
    EXPECT_EQ(c.resources.cpu_milli_limit, 500);
    EXPECT_EQ(c.resources.memory_limit, 64LL << 20U);
    EXPECT_EQ(c.restart, RestartPolicy::OnFailure);
    ASSERT_EQ(app.depends_on.size(), 2U);
    EXPECT_EQ(app.depends_on[1].app, "cache");
    EXPECT_EQ(app.depends_on[1].is, DependencyKind::Healthy);
    EXPECT_EQ(c.stop_grace, std::chrono::seconds(0));
    EXPECT_FALSE(app.autostart);
}

TEST(AppDialect, KnowsBothWordsForARestartPolicy) {
    const std::pair<const char*, RestartPolicy> cases[] = {
        {"always", RestartPolicy::Always},        {"forever", RestartPolicy::Always},
        {"on-failure", RestartPolicy::OnFailure}, {"until-success", RestartPolicy::OnFailure},
        {"never", RestartPolicy::Never},          {"once", RestartPolicy::Never}};
    for (const auto& [word, policy] : cases) {
        EXPECT_EQ(clock_with(std::string("  restart: ") + word + "\n").containers.at(0).restart,
                  policy)
            << word;
    }
}

struct ErrorCase {
    const char* more;
    const char* error;
};

TEST(AppDialect, SaysWhatIsWrong) {
    const ErrorCase cases[] = {
        {"  prots: []\n", "web.yaml:6:3: app.prots: unknown field; allowed: autostart, companions"},
        {"  hooks: {}\n", "web.yaml:6:3: app.hooks: is not supported yet"},
        {"  pods: []\n", "web.yaml:6:3: app.pods: is not supported yet"},
        {"other: 1\n", "web.yaml:6:1: other: unknown field; allowed: app"},
        {"---\na: 1\n", "web.yaml:7:1: the app dialect has one document a file"},
        {"  ports: [\"80:80\"]\n",
         "web.yaml:6:11: app.ports[0]: must be a map; allowed: {host: 8080, container: 80}"},
        {"  ports: [{host: 80}]\n", "web.yaml:6:11: app.ports[0].container: is missing"},
        {"  ports: [{host: 0, container: 80}]\n",
         "web.yaml:6:18: app.ports[0].host: must be a whole number"},
        {"  environment: [A]\n", "web.yaml:6:17: app.environment[0]: must be NAME=VALUE"},
        {"  volumes: [{source: x, target: /x}]\n",
         "web.yaml:6:13: app.volumes[0].type: is missing"},
        {"  volumes: [{type: bind, source: x, target: /x}]\n",
         "web.yaml:6:34: app.volumes[0].source: 'x' must be"},
        {"  volumes: [{type: volume, source: a/b, target: /x}]\n",
         "web.yaml:6:36: app.volumes[0].source: 'a/b' is not"},
        {"  volumes: [{type: tmpfs, source: a, target: /x}]\n",
         "web.yaml:6:27: app.volumes[0].source: a tmpfs has no source"},
        {"  volumes: [{type: tmpfs, target: /x, options: [soize=1]}]\n",
         "web.yaml:6:49: app.volumes[0].options[0]: 'soize=1' is not"},
        {"  resources: {memory_limit: lots}\n",
         "web.yaml:6:29: app.resources.memory_limit: 'lots' is not"},
        {"  resources: {cpu_limit: -1}\n", "web.yaml:6:26: app.resources.cpu_limit: '-1' is not"},
        {"  restart: sometimes\n",
         "web.yaml:6:12: app.restart: 'sometimes' is not a value for this; allowed: always, "
         "on-failure"},
        {"  depends_on: [Db]\n",
         "web.yaml:6:16: app.depends_on[0]: 'Db' is not the name of an app"},
        {"  depends_on: [{app: db, is: up}]\n",
         "web.yaml:6:30: app.depends_on[0].is: 'up' is not a value"},
        {"  depends_on: db\n", "web.yaml:6:15: app.depends_on: must be a list"},
        {"  autostart: maybe\n", "web.yaml:6:14: app.autostart: must be a boolean"},
    };
    for (const ErrorCase& c : cases) {
        const auto errors = errors_of(std::string(kHead) + kImage + c.more);
        ASSERT_EQ(errors.size(), 1U) << c.more << (errors.empty() ? "" : errors.back());
        EXPECT_EQ(errors[0].substr(0, std::string(c.error).size()), c.error);
    }
}

TEST(AppDialect, MissesWhatItNeeds) {
    const auto errors = errors_of("app:\n  description: x\n");
    ASSERT_EQ(errors.size(), 4U);
    EXPECT_EQ(errors[0], "web.yaml:2:3: app.id: is missing");
    EXPECT_EQ(errors[1], "web.yaml:2:3: app.name: is missing");
    EXPECT_EQ(errors[2], "web.yaml:2:3: app.version: is missing");
    EXPECT_EQ(errors[3], "web.yaml:2:3: app.container: is missing");
}

TEST(AppDialect, ACommandIsAListNotALine) {
    const auto errors =
        errors_of(std::string(kHead) + "  container: {image: a, command: sleep 1}\n");
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_EQ(errors[0],
              "web.yaml:5:34: app.container.command: must be a list of words; a shell's line is "
              "[\"sh\", \"-c\", \"…\"]");
}

TEST(AppDialect, ABrokenTextIsStillKnownByItsId) {
    EXPECT_EQ(compile("x.yaml", "app:\n  id: clock\n  name: [\n").app_name, "clock");
    EXPECT_EQ(compile("x.yaml", "app:\n  id: \"clock\" # the one\n  name: [\n").app_name, "clock");
    EXPECT_EQ(compile("x.yaml", "apiVersion: [\n").app_name, "x");
    EXPECT_EQ(compile("x.yaml", "app:\n  id: clock\n  prots: 1\n").app_name, "clock");
    EXPECT_EQ(compile("X Y.yaml", "{").app_name, "");
}

}  // namespace
}  // namespace podreeve::manifests
