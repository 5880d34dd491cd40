#include "manifests/canonical.h"

#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/unit/manifests/compiling.h"

namespace podreeve::manifests {
namespace {

AppSpec example(const std::string& name) {
    const std::string path = std::string(PODREEVE_SOURCE_DIR) + "/manifests/examples/" + name;
    std::ifstream file(path);
    EXPECT_TRUE(file) << path;
    std::stringstream text;
    text << file.rdbuf();
    return app_of(text.str(), "/etc/podreeve/apps/" + name);
}

TEST(SpecHash, StaysTheSameOverReleases) {
    // These stand on running containers: a change here makes every container be replaced on
    // upgrade.
    ContainerSpec container;
    container.part = "web/c";
    container.name = "web-c";
    container.image = "localhost/busybox:latest";
    container.env = {{"A", "1"}};
    container.mounts = {{MountKind::Bind, "/srv", "/data", "", true, {"Z"}, ""}};
    EXPECT_EQ(spec_hash(container), "1a8f7c3b602422cb");
    PodSpec pod;
    pod.part = pod.name = "web";
    pod.ports = {{"", 80, 8080, "tcp"}};
    EXPECT_EQ(spec_hash(pod), "f6ae2202d2dcdf3c");
    VolumeSpec volume;
    volume.part = "volume/v";
    volume.name = "v";
    volume.files = {{"a", "b", 0644}};
    EXPECT_EQ(spec_hash(volume), "1225aa10df54fda7");
    EXPECT_EQ(spec_hash(example("web-and-db.yaml")), "e9f2b260ffacb70c");
    EXPECT_EQ(spec_hash(example("clock.yaml")), "1bb7d89481f73cfc");
    EXPECT_EQ(spec_hash(example("greeter.yaml")), "5983fae8132c0dde");
}

TEST(SpecHash, SeesEveryChangeOfAContainer) {
    const ContainerSpec base = container_of("");
    const std::string hash = spec_hash(base);
    EXPECT_EQ(spec_hash(container_of("")), hash);
    for (const char* change :
         {"command: [x]", "args: [x]", "env: [{name: A, value: x}]", "workingDir: /x", "tty: true",
          "stdin: true", "resources: {limits: {memory: 1Mi}}", "resources: {limits: {cpu: 1}}",
          "resources: {requests: {memory: 1Mi}}", "securityContext: {runAsUser: 1}",
          "securityContext: {privileged: false}"}) {
        EXPECT_NE(spec_hash(container_of(change)), hash) << change;
    }
}

TEST(SpecHash, OfAContainerDoesNotHoldWhatPodmanIsNotTold) {
    ContainerSpec spec = container_of("");
    const std::string hash = spec_hash(spec);
    spec.pull = PullPolicy::Never;
    spec.restart = RestartPolicy::Never;
    EXPECT_EQ(spec_hash(spec), hash);
    AppSpec app = app_of(pod_text(""));
    const std::string app_hash = spec_hash(app);
    app.file = "/elsewhere.yaml";
    EXPECT_EQ(spec_hash(app), app_hash);
    app.containers[0].restart = RestartPolicy::Never;
    EXPECT_NE(spec_hash(app), app_hash);
}

TEST(SpecHash, OfAMountFollowsTheContentOfItsFiles) {
    const auto with = [](const std::string& value) {
        return container_of(
            "volumeMounts: [{name: v, mountPath: /v}]",
            "volumes: [{name: v, configMap: {name: m}}]",
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {k: " + value +
                "}\n");
    };
    EXPECT_NE(spec_hash(with("a")), spec_hash(with("b")));
    EXPECT_EQ(spec_hash(with("a")), spec_hash(with("a")));
}

TEST(RedactedJson, ShowsNoSecret) {
    const AppSpec app = app_of(
        pod_text("env:\n  - {name: S, valueFrom: {secretKeyRef: {name: k, key: pass}}}\n  - {name: "
                 "URL, value: 'x$(S)y'}\n"
                 "  - {name: DB_PASSWORD, value: s3cret-literal}\n  - {name: PLAIN, value: shown}\n"
                 "args: ['--key=$(S)', $(PLAIN), $(DB_PASSWORD)]\nvolumeMounts: [{name: v, "
                 "mountPath: /v}]",
                 "volumes: [{name: v, secret: {secretName: k}}]") +
        "---\napiVersion: v1\nkind: Secret\nmetadata: {name: k}\nstringData: {pass: "
        "hunter2-hunter2}\n");
    EXPECT_EQ(app.containers[0].command[0], "--key=hunter2-hunter2");
    const std::string text = to_redacted_json(app).dump();
    EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
    EXPECT_EQ(text.find("aHVudGVyMg"), std::string::npos) << text;
    EXPECT_EQ(text.find("s3cret-literal"), std::string::npos) << text;
    EXPECT_EQ(text.find(app.containers[0].mounts[0].content_digest), std::string::npos) << text;
    EXPECT_NE(text.find("--key=<secret>"), std::string::npos) << text;
    EXPECT_NE(text.find("shown"), std::string::npos) << text;
}

TEST(RedactedJson, ShowsNoSecretWhereverItIsWritten) {
    struct Row {
        const char* name;
        const char* container;
    };

    for (const Row& row : {
             Row{"a URL in a variable",
                 "env: [{name: DATABASE_URL, value: 'postgres://ann:hunter2@db:5432/x'}]"},
             Row{"a URL in an argument", "args: ['--db=postgres://ann:hunter2@db/x']"},
             Row{"two URLs", "env: [{name: A, value: 'amqp://a:hunter2@b,amqp://c:hunter2@d'}]"},
             Row{"a URL with an @ in it", "env: [{name: A, value: 'http://a:x@hunter2@b/c'}]"},
             Row{"a probe's path",
                 "readinessProbe: {httpGet: {path: '/up?token=hunter2', port: 1}}"},
             Row{"a probe's header",
                 "livenessProbe: {httpGet: {path: /, port: 1, httpHeaders: [{name: X, value: "
                 "hunter2}]}}"},
             Row{"a probe's command",
                 "env: [{name: PASS, value: hunter2}]\nlivenessProbe: {exec: {command: [a, "
                 "'-p$(PASS)', '-phunter2']}}"},
             Row{"a command before the stop",
                 "env: [{name: PASS, value: hunter2}]\nlifecycle: {preStop: {exec: {command: [bye, "
                 "hunter2]}}}"},
             Row{"a header before the stop",
                 "lifecycle: {preStop: {httpGet: {path: /bye, port: 1, httpHeaders: [{name: X, "
                 "value: hunter2}]}}}"},
             Row{"a path before the stop",
                 "lifecycle: {preStop: {httpGet: {path: '/bye?token=hunter2', port: 1}}}"},
             Row{"one secret that holds another",
                 "env: [{name: PASS, value: hunt}, {name: TOKEN, value: hunt-hunter2}]\nargs: "
                 "[hunt-hunter2]"},
         }) {
        const AppSpec app = app_of(pod_text(row.container, ""));
        const std::string text = to_redacted_json(app).dump();
        EXPECT_EQ(text.find("hunter2"), std::string::npos) << row.name << "\n" << text;
        EXPECT_NE(text.find("<secret>"), std::string::npos) << row.name << "\n" << text;
    }
}

TEST(RedactedJson, ShowsWhatIsNoSecret) {
    const AppSpec app =
        app_of(pod_text("env: [{name: URL, value: 'http://db:5432/a@b'}]\nargs: ['http://x/y:z@w', "
                        "'ann@host:22']\nreadinessProbe: {httpGet: {path: /up, port: 1}}",
                        ""));
    const std::string text = to_redacted_json(app).dump();
    EXPECT_EQ(text.find("<secret>"), std::string::npos) << text;
}

TEST(RedactedJson, HoldsBinaryFilesWithoutThrowing) {
    const AppSpec app = app_of(
        pod_text("volumeMounts: [{name: v, mountPath: /v}]",
                 "volumes: [{name: v, configMap: {name: m}}]") +
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\nbinaryData: {k: /wA=}\n");
    EXPECT_NE(to_redacted_json(app).dump().find("\"bytes\":2"), std::string::npos);
}

}  // namespace
}  // namespace podreeve::manifests
