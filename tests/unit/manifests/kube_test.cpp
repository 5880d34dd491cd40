#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/unit/manifests/compiling.h"

namespace podreeve::manifests {
namespace {

using Words = std::vector<std::string>;
using Map = std::map<std::string, std::string>;

const char kData[] =
    "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: cfg}\ndata: {HOST: db, PORT: "
    "\"5432\"}\n"
    "binaryData: {bin: /wA=}\n"
    "---\napiVersion: v1\nkind: Secret\nmetadata: {name: key, labels: {a: b}}\ndata: {user: "
    "YWRtaW4=}\n"
    "stringData: {pass: hunter2}\n";
const char kTexts[] =
    "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: cfg}\ndata: {HOST: db, PORT: "
    "\"5432\"}\n"
    "---\napiVersion: v1\nkind: Secret\nmetadata: {name: key}\nstringData: {user: admin, pass: "
    "hunter2}\n";

TEST(Kube, APodBecomesWhatKubePlayWouldMake) {
    const AppSpec app = app_of(pod_text(""), "/etc/podreeve/apps/shop.yaml");
    EXPECT_EQ(app.name, "shop");
    EXPECT_EQ(app.dialect, Dialect::Kube);
    EXPECT_EQ(app.file, "/etc/podreeve/apps/shop.yaml");
    ASSERT_EQ(app.pods.size(), 1U);
    EXPECT_EQ(app.pods[0].part, "web");
    EXPECT_EQ(app.pods[0].name, "web");
    EXPECT_EQ(app.pods[0].hostname, "web");
    EXPECT_EQ(app.pods[0].networks, Words{"podman-default-kube-network"});
    EXPECT_EQ(app.pods[0].network_aliases, Words{"c"});
    ASSERT_EQ(app.containers.size(), 1U);
    const ContainerSpec& c = app.containers[0];
    EXPECT_EQ(c.part, "web/c");
    EXPECT_EQ(c.name, "web-c");
    EXPECT_EQ(c.pod, "web");
    EXPECT_FALSE(c.entrypoint_set);
    EXPECT_FALSE(c.command_set);
    EXPECT_TRUE(c.networks.empty());
    EXPECT_EQ(c.restart, RestartPolicy::Always);
    EXPECT_EQ(c.stop_grace, std::chrono::seconds(10));
    ASSERT_EQ(app.networks.size(), 1U);
    EXPECT_TRUE(app.networks[0].shared);
    EXPECT_EQ(app.networks[0].part, "network/podman-default-kube-network");
}

TEST(Kube, ADeploymentIsOnePodWithASuffix) {
    const AppSpec app = app_of(
        "apiVersion: apps/v1\nkind: Deployment\n"
        "metadata: {name: api, creationTimestamp: null, labels: {x: y}, annotations: {note: outer, "
        "a: 1s}}\n"
        "spec:\n  replicas: 1\n  selector: {matchLabels: {app: api}}\n  strategy: {}\n"
        "  template:\n    metadata: {labels: {app: api}, annotations: {note: inner}}\n"
        "    spec: {containers: [{name: c, image: a:1}], restartPolicy: Always}\nstatus: {}\n");
    ASSERT_EQ(app.pods.size(), 1U);
    EXPECT_EQ(app.pods[0].name, "api-pod");
    EXPECT_EQ(app.containers[0].name, "api-pod-c");
    EXPECT_EQ(app.containers[0].labels, (Map{{"app", "api"}}));
    EXPECT_EQ(app.containers[0].annotations, (Map{{"note", "inner"}, {"a", "1s"}}));
}

TEST(Kube, InitContainersComeFirst) {
    const AppSpec app = app_of(pod_text(
        "",
        "restartPolicy: Never\ninitContainers: [{name: i, image: a:1}, {name: j, image: a:1}]"));
    ASSERT_EQ(app.containers.size(), 3U);
    EXPECT_EQ(app.containers[0].name, "web-i");
    EXPECT_EQ(app.containers[0].role, ContainerRole::Init);
    EXPECT_EQ(app.containers[0].restart, RestartPolicy::Never);
    EXPECT_EQ(app.containers[1].name, "web-j");
    EXPECT_EQ(app.containers[2].role, ContainerRole::Workload);
    EXPECT_EQ(app.pods[0].network_aliases, Words{"c"});
}

TEST(Kube, AnInitContainerOfARestartedPodRunsUntilItSucceeds) {
    const AppSpec app = app_of(pod_text("", "initContainers: [{name: i, image: a:1}]"));
    EXPECT_EQ(app.containers[0].restart, RestartPolicy::OnFailure);
}

TEST(Kube, CommandIsTheEntrypointAndArgsTheCommand) {
    const ContainerSpec c = container_of(
        "command: [sh, -c]\nargs: ['echo $(A) $$(A) $(B)']\nenv: [{name: A, value: x}]");
    EXPECT_EQ(c.entrypoint, (Words{"sh", "-c"}));
    EXPECT_TRUE(c.entrypoint_set);
    EXPECT_EQ(c.command, Words{"echo x $(A) $(B)"});
    EXPECT_TRUE(c.command_set);
}

TEST(Kube, EnvironmentIsResolvedAndKnowsItsSecrets) {
    const ContainerSpec c = container_of(
        "envFrom:\n  - configMapRef: {name: cfg}\n  - {prefix: K_, secretRef: {name: key}}\n"
        "  - secretRef: {name: none, optional: true}\n"
        "env:\n  - {name: HOST, value: other}\n  - {name: EMPTY}\n"
        "  - {name: P, valueFrom: {configMapKeyRef: {name: cfg, key: PORT}}}\n"
        "  - {name: S, valueFrom: {secretKeyRef: {name: key, key: pass}}}\n"
        "  - {name: URL, value: 'u:$(S)@$(HOST)'}\n"
        "  - {name: GONE, valueFrom: {configMapKeyRef: {name: cfg, key: nope, optional: true}}}\n"
        "  - {name: ME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}\n"
        "  - {name: L, valueFrom: {fieldRef: {fieldPath: \"metadata.labels['none']\"}}}",
        "", kTexts);
    EXPECT_EQ(c.env, (Map{{"HOST", "other"},
                          {"PORT", "5432"},
                          {"K_user", "admin"},
                          {"K_pass", "hunter2"},
                          {"EMPTY", ""},
                          {"P", "5432"},
                          {"S", "hunter2"},
                          {"URL", "u:hunter2@other"},
                          {"ME", "web"},
                          {"L", ""}}));
    EXPECT_EQ(c.secret_env, (Words{"K_pass", "K_user", "S", "URL"}));
}

TEST(Kube, BinaryValuesCannotBeEnvironment) {
    const auto errors = pod_errors("envFrom: [{configMapRef: {name: cfg}}]", "", kData);
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_NE(errors[0].find("the value of 'bin' is binary"), std::string::npos) << errors[0];
}

TEST(Kube, PortsArePublishedByThePod) {
    const AppSpec app = app_of(pod_text(
        "ports:\n  - {containerPort: 80, hostPort: 8080, name: http}\n  - {containerPort: 81}\n"
        "  - {hostPort: 53, protocol: UDP, hostIP: 127.0.0.1}\n  - {containerPort: 53, hostPort: "
        "53, hostIP: 0.0.0.0}"));
    EXPECT_EQ(app.pods[0].ports,
              (std::vector<Port>{
                  {"", 8080, 80, "tcp"}, {"127.0.0.1", 53, 53, "udp"}, {"", 53, 53, "tcp"}}));
    EXPECT_TRUE(app.containers[0].ports.empty());
}

TEST(Kube, TheHostsNetworkNeedsNoPortsAndNoBridge) {
    const AppSpec app =
        app_of(pod_text("ports: [{containerPort: 80, hostPort: 80}]", "hostNetwork: true"));
    EXPECT_TRUE(app.pods[0].host_network);
    EXPECT_TRUE(app.pods[0].ports.empty());
    EXPECT_TRUE(app.pods[0].networks.empty());
    EXPECT_TRUE(app.pods[0].network_aliases.empty());
    EXPECT_EQ(app.pods[0].hostname, "");
    EXPECT_TRUE(app.networks.empty());
}

TEST(Kube, VolumesOfEveryKind) {
    const std::string spec =
        "volumes:\n  - {name: tmp, emptyDir: {}}\n  - {name: mem, emptyDir: {medium: Memory, "
        "sizeLimit: 1Mi}}\n"
        "  - {name: host, hostPath: {path: /srv//data/, type: DirectoryOrCreate}}\n"
        "  - {name: file, hostPath: {path: /srv/f, type: FileOrCreate}}\n"
        "  - {name: claim, persistentVolumeClaim: {claimName: data, readOnly: true}}\n"
        "  - {name: cfg, configMap: {name: cfg}}\n"
        "  - {name: key, secret: {secretName: key, defaultMode: 0400, items: [{key: pass, path: "
        "d/p, mode: 384}]}}\n"
        "  - {name: none, configMap: {name: none, optional: true}}";
    const std::string container =
        "volumeMounts:\n  - {name: tmp, mountPath: /tmp/}\n  - {name: mem, mountPath: /mem}\n"
        "  - {name: host, mountPath: '/h:Z,ro', mountPropagation: HostToContainer}\n  - {name: "
        "file, mountPath: /f}\n"
        "  - {name: claim, mountPath: /data, subPath: a/b}\n  - {name: cfg, mountPath: /cfg, "
        "readOnly: true}\n"
        "  - {name: key, mountPath: /key}\n  - {name: none, mountPath: /none}";
    const AppSpec app = app_of(pod_text(container, spec) + kData);
    const std::vector<Mount>& m = app.containers.at(0).mounts;
    ASSERT_EQ(m.size(), 7U);
    EXPECT_EQ(m[0], (Mount{MountKind::Volume, "web-tmp", "/tmp", "", false, {}, ""}));
    EXPECT_EQ(m[1], (Mount{MountKind::Tmpfs, "", "/mem", "", false, {"size=1048576"}, ""}));
    EXPECT_EQ(m[2], (Mount{MountKind::Bind,
                           "/srv/data",
                           "/h",
                           "",
                           true,
                           {"podreeve:create-dir", "Z", "rslave"},
                           ""}));
    EXPECT_EQ(m[3],
              (Mount{MountKind::Bind, "/srv/f", "/f", "", false, {"podreeve:create-file"}, ""}));
    EXPECT_EQ(m[4], (Mount{MountKind::Volume, "data", "/data", "a/b", true, {}, ""}));
    EXPECT_EQ(m[5].source, "cfg");
    EXPECT_TRUE(m[5].read_only);
    EXPECT_EQ(m[5].content_digest.size(), 16U);
    EXPECT_EQ(m[6].source, "key");
    const VolumeSpec* tmp = app.find_volume("volume/web-tmp");
    ASSERT_NE(tmp, nullptr);
    EXPECT_EQ(tmp->origin, VolumeOrigin::EmptyDir);
    EXPECT_EQ(app.find_volume("volume/data")->origin, VolumeOrigin::Claim);
    EXPECT_EQ(app.find_volume("volume/cfg")->files,
              (std::vector<VolumeFile>{{"HOST", "db", 0644},
                                       {"PORT", "5432", 0644},
                                       {"bin", std::string("\xFF\0", 2), 0644}}));
    EXPECT_EQ(app.find_volume("volume/key")->files,
              (std::vector<VolumeFile>{{"d/p", "hunter2", 0600}}));
    EXPECT_EQ(app.find_volume("volume/none"), nullptr);
}

TEST(Kube, TwoChoicesOfOneConfigMapAreTwoVolumes) {
    const AppSpec app =
        app_of(pod_text("volumeMounts: [{name: a, mountPath: /a}, {name: b, mountPath: /b}, {name: "
                        "d, mountPath: /d}]",
                        "volumes:\n  - {name: a, configMap: {name: cfg}}\n  - {name: d, configMap: "
                        "{name: cfg}}\n"
                        "  - {name: b, configMap: {name: cfg, items: [{key: HOST, path: h}]}}") +
               kTexts);
    const std::vector<Mount>& m = app.containers.at(0).mounts;
    EXPECT_EQ(m[0].source, "cfg");
    EXPECT_EQ(m[1].source, "web-b");
    EXPECT_EQ(m[2].source, "cfg");
    EXPECT_EQ(app.volumes.size(), 2U);
}

// podman tells volumes apart by their names alone.
TEST(Kube, WhatHoldsDataSharesItsNameWithNothing) {
    const char* claim = "persistentVolumeClaim: {claimName: cfg}";
    const char* config_map = "configMap: {name: cfg}";
    for (const bool claim_first : {true, false}) {
        const auto errors = pod_errors(
            "",
            std::string("volumes:\n  - {name: a, ") + (claim_first ? claim : config_map) +
                "}\n  - {name: b, " + (claim_first ? config_map : claim) + "}",
            kTexts);
        ASSERT_EQ(errors.size(), 1U) << claim_first;
        EXPECT_EQ(errors[0].rfind("web.yaml:8:", 0), 0U) << errors[0];
        EXPECT_NE(errors[0].find("podman's volume cfg would be this"), std::string::npos)
            << errors[0];
    }
}

TEST(Kube, TheSecondNameOfAConfigMapIsNobodyElses) {
    const std::string volumes =
        "volumes:\n  - {name: c, persistentVolumeClaim: {claimName: web-b}}\n"
        "  - {name: a, configMap: {name: cfg}}\n"
        "  - {name: b, configMap: {name: cfg, items: [{key: HOST, path: h}]}}";
    const auto errors = pod_errors("", volumes, kTexts);
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_EQ(errors[0].rfind("web.yaml:9:", 0), 0U) << errors[0];
    EXPECT_NE(errors[0].find("the PersistentVolumeClaim of that name"), std::string::npos)
        << errors[0];
}

TEST(Kube, TwoPodsDoNotShareAnEmptyDirByTheirNames) {
    const std::string other =
        "---\napiVersion: v1\nkind: Pod\nmetadata: {name: web-a}\nspec:\n"
        "  volumes: [{name: b, emptyDir: {}}]\n"
        "  containers: [{name: c, image: localhost/busybox:latest}]\n";
    const auto errors = pod_errors("", "volumes: [{name: a-b, emptyDir: {}}]", other);
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_NE(
        errors[0].find("podman's volume web-a-b would be this emptyDir and also the emptyDir"),
        std::string::npos)
        << errors[0];
}

TEST(Kube, AConfigMapAndASecretOfOneNameAreTwoVolumes) {
    const std::string secret =
        "---\napiVersion: v1\nkind: Secret\nmetadata: {name: cfg}\nstringData: {PASS: x}\n";
    const AppSpec app =
        app_of(pod_text("volumeMounts: [{name: a, mountPath: /a}, {name: b, mountPath: /b}]",
                        "volumes:\n  - {name: a, configMap: {name: cfg}}\n"
                        "  - {name: b, secret: {secretName: cfg}}") +
               kTexts + secret);
    const std::vector<Mount>& m = app.containers.at(0).mounts;
    EXPECT_EQ(m[0].source, "cfg");
    EXPECT_EQ(m[1].source, "web-b");
    EXPECT_EQ(app.find_volume("volume/cfg")->origin, VolumeOrigin::ConfigMap);
    EXPECT_EQ(app.find_volume("volume/web-b")->origin, VolumeOrigin::Secret);
}

TEST(Kube, PathsOfConfigMapItemsStayInside) {
    for (const char* path : {"../x", "/etc/passwd", "a/../../x", "..data"}) {
        const auto errors = pod_errors(
            "",
            std::string("volumes: [{name: a, configMap: {name: cfg, items: [{key: HOST, path: ") +
                path + "}]}}]",
            kTexts);
        ASSERT_EQ(errors.size(), 1U) << path;
        EXPECT_NE(errors[0].find("must be a relative path without '..'"), std::string::npos)
            << errors[0];
    }
}

TEST(Kube, AClaimsAnnotationsDescribeTheVolume) {
    const AppSpec app =
        app_of(pod_text("") +
               "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata:\n  name: data\n  "
               "labels: {a: b}\n  annotations:\n"
               "    volume.podman.io/driver: local\n    volume.podman.io/device: tmpfs\n    "
               "volume.podman.io/type: tmpfs\n"
               "    volume.podman.io/uid: \"1000\"\n    volume.podman.io/mount-options: size=1m\n"
               "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n");
    ASSERT_EQ(app.volumes.size(), 1U);
    EXPECT_EQ(app.volumes[0].name, "data");
    EXPECT_EQ(app.volumes[0].driver, "");
    EXPECT_EQ(app.volumes[0].options,
              (Map{{"device", "tmpfs"}, {"type", "tmpfs"}, {"UID", "1000"}, {"o", "size=1m"}}));
    EXPECT_EQ(app.volumes[0].labels, (Map{{"a", "b"}}));
}

TEST(Kube, ASecretIsStoredAsKubePlayStoresIt) {
    const AppSpec app = app_of(pod_text("") + kData);
    ASSERT_EQ(app.secrets.size(), 1U);
    EXPECT_EQ(app.secrets[0].part, "secret/key");
    EXPECT_EQ(app.secrets[0].labels, (Map{{"a", "b"}}));
    const auto document = nlohmann::json::parse(app.secrets[0].data);
    EXPECT_EQ(document.at("kind"), "Secret");
    EXPECT_EQ(document.at("metadata").at("name"), "key");
    EXPECT_EQ(document.at("data").at("user"), "YWRtaW4=");
    EXPECT_EQ(document.at("data").at("pass"), "aHVudGVyMg==");
}

TEST(Kube, ResourcesAreBytesAndThousandths) {
    const ContainerSpec c = container_of(
        "resources:\n  limits: {cpu: 1.5, memory: 1Gi}\n  requests: {cpu: 250m, memory: 100M}");
    EXPECT_EQ(c.resources.cpu_milli_limit, 1500);
    EXPECT_EQ(c.resources.memory_limit, 1LL << 30U);
    EXPECT_EQ(c.resources.cpu_milli_request, 250);
    EXPECT_EQ(c.resources.memory_reservation, 100'000'000);
}

TEST(Kube, TheContainersSecurityCountsOverThePods) {
    const std::string pod =
        "securityContext: {runAsUser: 1, runAsGroup: 2, supplementalGroups: [7], seLinuxOptions: "
        "{level: s0}, "
        "seccompProfile: {type: Unconfined}, sysctls: [{name: net.core.somaxconn, value: \"64\"}]}";
    const ContainerSpec inherited = container_of("", pod);
    EXPECT_EQ(inherited.security.user, "1:2");
    EXPECT_EQ(inherited.security.groups, std::vector<std::int64_t>{7});
    EXPECT_EQ(inherited.security.seccomp, "unconfined");
    EXPECT_EQ(inherited.security.selinux, (Map{{"level", "s0"}}));
    const ContainerSpec own = container_of(
        "securityContext: {runAsUser: 5, privileged: false, readOnlyRootFilesystem: true, "
        "allowPrivilegeEscalation: false, "
        "runAsNonRoot: true, capabilities: {add: [CAP_NET_ADMIN, net_admin], drop: [ALL]}, "
        "seccompProfile: {type: RuntimeDefault}}",
        pod);
    EXPECT_EQ(own.security.user, "5:2");
    EXPECT_EQ(own.security.no_new_privileges, true);
    EXPECT_EQ(own.security.read_only_root, true);
    EXPECT_EQ(own.security.privileged, false);
    EXPECT_EQ(own.security.cap_add, Words{"NET_ADMIN"});
    EXPECT_EQ(own.security.cap_drop, Words{"ALL"});
    EXPECT_EQ(own.security.seccomp, "");
    EXPECT_EQ(app_of(pod_text("", pod)).pods[0].sysctls, (Map{{"net.core.somaxconn", "64"}}));
}

TEST(Kube, ThePodsOwnFields) {
    const AppSpec app =
        app_of(pod_text("tty: true\nstdin: true\nworkingDir: /w",
                        "hostname: box\nhostPID: true\nhostIPC: "
                        "true\nterminationGracePeriodSeconds: 3\nrestartPolicy: OnFailure\n"
                        "hostAliases: [{ip: 10.0.0.1, hostnames: [a, "
                        "b]}]\nautomountServiceAccountToken: false\nenableServiceLinks: false\n"
                        "dnsPolicy: ClusterFirst\ndnsConfig: {nameservers: [1.1.1.1], searches: "
                        "[x.y], options: [{name: ndots, value: \"2\"}, {name: rotate}]}"));
    const PodSpec& pod = app.pods.at(0);
    EXPECT_EQ(pod.hostname, "box");
    EXPECT_TRUE(pod.host_pid);
    EXPECT_TRUE(pod.host_ipc);
    EXPECT_EQ(pod.host_aliases, (Map{{"a", "10.0.0.1"}, {"b", "10.0.0.1"}}));
    EXPECT_EQ(pod.dns_servers, Words{"1.1.1.1"});
    EXPECT_EQ(pod.dns_searches, Words{"x.y"});
    EXPECT_EQ(pod.dns_options, (Words{"ndots:2", "rotate"}));
    const ContainerSpec& c = app.containers.at(0);
    EXPECT_TRUE(c.tty);
    EXPECT_TRUE(c.stdin_open);
    EXPECT_EQ(c.working_dir, "/w");
    EXPECT_EQ(c.restart, RestartPolicy::OnFailure);
    EXPECT_EQ(c.stop_grace, std::chrono::seconds(3));
}

struct PullCase {
    const char* image;
    const char* policy;
    PullPolicy pull;
};

TEST(Kube, PullPolicyFollowsTheImageUnlessWritten) {
    const PullCase cases[] = {{"localhost/a:latest", "", PullPolicy::IfNotPresent},
                              {"localhost/a", "", PullPolicy::IfNotPresent},
                              {"x.io/a", "", PullPolicy::Always},
                              {"x.io/a:latest", "", PullPolicy::Always},
                              {"x.io/a:1", "", PullPolicy::IfNotPresent},
                              {"x.io/a@sha256:"
                               "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                               "", PullPolicy::IfNotPresent},
                              {"x.io/a", "Never", PullPolicy::Never},
                              {"x.io/a:1", "Always", PullPolicy::Always},
                              {"x.io/a", "IfNotPresent", PullPolicy::IfNotPresent}};
    for (const PullCase& c : cases) {
        std::string text = std::string(
                               "apiVersion: v1\nkind: Pod\nmetadata: {name: w}\nspec: {containers: "
                               "[{name: c, image: '") +
                           c.image + "'";
        text +=
            *c.policy == '\0' ? "}]}\n" : std::string(", imagePullPolicy: ") + c.policy + "}]}\n";
        EXPECT_EQ(app_of(text).containers.at(0).pull, c.pull) << c.image << c.policy;
    }
}

TEST(Kube, SettingsOfPodreeveAreAnnotations) {
    const AppSpec app = app_of(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: w\n  annotations:\n    note: x\n    "
        "podreeve.io/depends-on: db, cache = healthy\n"
        "    podreeve.io/autostart: \"false\"\n    podreeve.io/restart: once\nspec: {containers: "
        "[{name: c, image: a}]}\n");
    ASSERT_EQ(app.depends_on.size(), 2U);
    EXPECT_EQ(app.depends_on[0].app, "db");
    EXPECT_EQ(app.depends_on[0].is, DependencyKind::Started);
    EXPECT_EQ(app.depends_on[0].position.line, 7);
    EXPECT_EQ(app.depends_on[1].app, "cache");
    EXPECT_EQ(app.depends_on[1].is, DependencyKind::Healthy);
    EXPECT_FALSE(app.autostart);
    EXPECT_EQ(app.containers[0].restart, RestartPolicy::Never);
    EXPECT_EQ(app.containers[0].annotations, (Map{{"note", "x"}}));
}

}  // namespace
}  // namespace podreeve::manifests
