#include <gtest/gtest.h>

#include "tests/unit/manifests/compiling.h"

namespace podreeve::manifests {
namespace {

struct ErrorCase {
    const char* name;
    std::string container;  // of pod_text
    std::string spec;
    std::vector<std::string> errors;  // how each starts
};

void expect_errors(const char* name,
                   const std::vector<std::string>& found,
                   const std::vector<std::string>& wanted) {
    ASSERT_EQ(found.size(), wanted.size()) << name << (found.empty() ? "" : ": " + found.front());
    for (std::size_t i = 0; i < found.size(); ++i) {
        EXPECT_EQ(found[i].substr(0, wanted[i].size()), wanted[i]) << name;
    }
}

TEST(KubeErrors, SayWhereAndWhat) {
    const ErrorCase cases[] = {
        {"misspelt field",
         "imagePulPolicy: Always",
         "",
         {"web.yaml:9:7: spec.containers[0].imagePulPolicy: unknown field; allowed: args, "
          "command"}},
        {"lifecycle of a port that is not there",
         "lifecycle: {preStop: {httpGet: {port: web}}}",
         "",
         {"web.yaml:9:45: spec.containers[0].lifecycle.preStop.httpGet.port: the container has no "
          "port named 'web'"}},
        {"lifecycle of two kinds",
         "lifecycle: {preStop: {exec: {command: [x]}, sleep: {seconds: 1}}}",
         "",
         {"web.yaml:9:28: spec.containers[0].lifecycle.preStop: must hold one of exec, "
          "httpGet, sleep and tcpSocket"}},
        {"number as value",
         "env:\n  - {name: A, value: 1}",
         "",
         {"web.yaml:10:28: spec.containers[0].env[0].value: must be a string, and is a number; "
          "put"}},
        {"boolean as value",
         "env:\n  - {name: A, value: yes}",
         "",
         {"web.yaml:10:28: spec.containers[0].env[0].value: must be a string, and is a boolean"}},
        {"number in args",
         "args: [-p, 80]",
         "",
         {"web.yaml:9:18: spec.containers[0].args[1]: must be a string, and is a number"}},
        {"scalar for list",
         "command: sh",
         "",
         {"web.yaml:9:16: spec.containers[0].command: must be a list, and is a single value"}},
        {"map for string",
         "workingDir: {a: b}",
         "",
         {"web.yaml:9:19: spec.containers[0].workingDir: must be a string, and is a map"}},
        {"relative directory",
         "workingDir: data",
         "",
         {"web.yaml:9:19: spec.containers[0].workingDir: 'data' must be an absolute path"}},
        {"variable without name",
         "env:\n  - value: x",
         "",
         {"web.yaml:10:11: spec.containers[0].env[0].name: is missing"}},
        {"bad variable name",
         "env:\n  - {name: 'a b', value: x}",
         "",
         {"web.yaml:10:18: spec.containers[0].env[0].name: 'a b' is not the name of a variable"}},
        {"value and valueFrom",
         "env:\n  - {name: A, value: x, valueFrom: {fieldRef: {fieldPath: metadata.name}}}",
         "",
         {"web.yaml:10:31: spec.containers[0].env[0].valueFrom: cannot stand beside value"}},
        {"unknown ConfigMap",
         "env:\n  - {name: A, valueFrom: {configMapKeyRef: {name: x, key: y}}}",
         "",
         {"web.yaml:10:57: spec.containers[0].env[0].valueFrom.configMapKeyRef.name: there is no "
          "ConfigMap x"}},
        {"unknown Secret in envFrom",
         "envFrom:\n  - secretRef: {name: x}",
         "",
         {"web.yaml:10:29: spec.containers[0].envFrom[0].secretRef.name: there is no Secret x"}},
        {"podIP",
         "env:\n  - {name: A, valueFrom: {fieldRef: {fieldPath: status.podIP}}}",
         "",
         {"web.yaml:10:55: spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: 'status.podIP' "
          "is not supported; allowed: metadata.name"}},
        {"resourceFieldRef",
         "env:\n  - {name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}",
         "",
         {"web.yaml:10:33: spec.containers[0].env[0].valueFrom.resourceFieldRef: is not supported "
          "yet"}},
        {"port out of range",
         "ports:\n  - {containerPort: 70000}",
         "",
         {"web.yaml:10:27: spec.containers[0].ports[0].containerPort: must be a whole number; "
          "allowed: 1 to 65535"}},
        {"leading zero",
         "ports:\n  - {containerPort: 080}",
         "",
         {"web.yaml:10:27: spec.containers[0].ports[0].containerPort: must be a whole number"}},
        {"port twice",
         "ports:\n  - {containerPort: 80, hostPort: 80}\n  - {containerPort: 81, hostPort: 80}",
         "",
         {"web.yaml:11:41: spec.containers[0].ports[1].hostPort: the host port 80/tcp is taken "
          "above"}},
        {"protocol",
         "ports:\n  - {containerPort: 80, protocol: tcp}",
         "",
         {"web.yaml:10:41: spec.containers[0].ports[0].protocol: 'tcp' is not a value for this; "
          "allowed: TCP, UDP, SCTP; did you mean 'TCP'?"}},
        {"host address",
         "ports:\n  - {containerPort: 80, hostPort: 80, hostIP: here}",
         "",
         {"web.yaml:10:53: spec.containers[0].ports[0].hostIP: 'here' is not an IP address"}},
        {"quantity",
         "resources:\n  limits: {memory: 1GB}",
         "",
         {"web.yaml:10:26: spec.containers[0].resources.limits.memory: '1GB' is not a quantity"}},
        {"request over limit",
         "resources:\n  limits: {cpu: 1}\n  requests: {cpu: 2}",
         "",
         {"web.yaml:11:25: spec.containers[0].resources.requests.cpu: is more than the limit"}},
        {"other resource",
         "resources:\n  limits: {nvidia.com/gpu: 1}",
         "",
         {"web.yaml:10:18: spec.containers[0].resources.limits['nvidia.com/gpu']: unknown field"}},
        {"capability",
         "securityContext:\n  capabilities: {add: ['NET ADMIN']}",
         "",
         {"web.yaml:10:30: spec.containers[0].securityContext.capabilities.add[0]: 'NET ADMIN' is "
          "not"}},
        {"group without user",
         "securityContext: {runAsGroup: 5}",
         "",
         {"web.yaml:9:37: spec.containers[0].securityContext.runAsGroup: needs runAsUser"}},
        {"group of the pod without user",
         "",
         "securityContext: {runAsGroup: 5}",
         {"web.yaml:6:33: spec.securityContext.runAsGroup: needs runAsUser"}},
        {"non-root as root",
         "securityContext: {runAsNonRoot: true, runAsUser: 0}",
         "",
         {"web.yaml:9:39: spec.containers[0].securityContext.runAsNonRoot: contradicts runAsUser: "
          "0"}},
        {"fsGroup",
         "",
         "securityContext: {fsGroup: 5}",
         {"web.yaml:6:21: spec.securityContext.fsGroup: is not supported yet"}},
        {"local seccomp profile",
         "securityContext: {seccompProfile: {type: Localhost}}",
         "",
         {"web.yaml:9:48: spec.containers[0].securityContext.seccompProfile.type: 'Localhost' is "
          "not"}},
        {"image",
         "",
         "initContainers: [{name: i, image: 'a b'}]",
         {"web.yaml:6:37: spec.initContainers[0].image: 'a b' is not an image reference"}},
        {"container twice",
         "",
         "initContainers: [{name: c, image: a}]",
         {"web.yaml:8:13: spec.containers[0].name: the container c is there twice"}},
        {"unknown volume",
         "volumeMounts: [{name: dat, mountPath: /d}]",
         "volumes:\n  - {name: data, emptyDir: {}}",
         {"web.yaml:11:29: spec.containers[0].volumeMounts[0].name: there is no volume dat in this "
          "pod; allowed: data; did you mean 'data'?"}},
        {"mounts over each other",
         "volumeMounts: [{name: a, mountPath: /d}, {name: a, mountPath: /d/}]",
         "volumes: [{name: a, emptyDir: {}}]",
         {"web.yaml:10:69: spec.containers[0].volumeMounts[1].mountPath: there is a volume at /d "
          "already"}},
        {"mount over root",
         "volumeMounts: [{name: a, mountPath: /}]",
         "volumes: [{name: a, emptyDir: {}}]",
         {"web.yaml:10:43: spec.containers[0].volumeMounts[0].mountPath: '/' cannot be mounted "
          "over"}},
        {"escaping subPath",
         "volumeMounts: [{name: a, mountPath: /d, subPath: ../x}]",
         "volumes: [{name: a, emptyDir: {}}]",
         {"web.yaml:10:56: spec.containers[0].volumeMounts[0].subPath: '../x' must be a relative "
          "path"}},
        {"mount option",
         "volumeMounts: [{name: a, mountPath: '/d:Q'}]",
         "volumes: [{name: a, emptyDir: {}}]",
         {"web.yaml:10:43: spec.containers[0].volumeMounts[0].mountPath: 'Q' is not a mount "
          "option"}},
        {"volume of no kind",
         "",
         "volumes: [{name: a}]",
         {"web.yaml:6:13: spec.volumes[0]: says not what it is"}},
        {"volume of two kinds",
         "",
         "volumes: [{name: a, emptyDir: {}, hostPath: {path: /x}}]",
         {"web.yaml:6:13: spec.volumes[0]: can only be one thing"}},
        {"volume twice",
         "",
         "volumes: [{name: a, emptyDir: {}}, {name: a, emptyDir: {}}]",
         {"web.yaml:6:45: spec.volumes[1].name: the volume a is there twice"}},
        {"a claim and an emptyDir of one name in podman",
         "",
         "volumes: [{name: a, persistentVolumeClaim: {claimName: web-b}}, {name: b, emptyDir: {}}]",
         {"web.yaml:6:"}},
        {"nfs",
         "",
         "volumes: [{name: a, nfs: {server: x}}]",
         {"web.yaml:6:23: spec.volumes[0].nfs: is not supported yet"}},
        {"relative host path",
         "",
         "volumes: [{name: a, hostPath: {path: x}}]",
         {"web.yaml:6:40: spec.volumes[0].hostPath.path: 'x' must be an absolute path"}},
        {"device",
         "",
         "volumes: [{name: a, hostPath: {path: /dev/x, type: CharDevice}}]",
         {"web.yaml:6:54: spec.volumes[0].hostPath.type: CharDevice is not supported yet"}},
        {"limited emptyDir",
         "",
         "volumes: [{name: a, emptyDir: {sizeLimit: 1Gi}}]",
         {"web.yaml:6:34: spec.volumes[0].emptyDir.sizeLimit: is supported only with medium: "
          "Memory"}},
        {"missing ConfigMap volume",
         "",
         "volumes: [{name: a, configMap: {name: x}}]",
         {"web.yaml:6:41: spec.volumes[0].configMap.name: there is no ConfigMap x in this file"}},
        {"restartPolicy",
         "",
         "restartPolicy: always",
         {"web.yaml:6:18: spec.restartPolicy: 'always' is not a value for this; allowed: Always, "
          "OnFailure, Never; did you mean 'Always'?"}},
        {"yes",
         "",
         "hostNetwork: yes",
         {"web.yaml:6:16: spec.hostNetwork: must be a boolean; allowed: true, false"}},
        {"grace",
         "",
         "terminationGracePeriodSeconds: -1",
         {"web.yaml:6:34: spec.terminationGracePeriodSeconds: must be a whole number"}},
        {"service account",
         "",
         "serviceAccountName: x",
         {"web.yaml:6:3: spec.serviceAccountName: is not supported yet"}},
        {"no list entry",
         "args: [~]",
         "",
         {"web.yaml:9:14: spec.containers[0].args[0]: must be a string, and is nothing"}},
        {"host port on the host's network",
         "ports: [{containerPort: 80, hostPort: 81}]",
         "hostNetwork: true",
         {"web.yaml:10:45: spec.containers[0].ports[0].hostPort: must be the containerPort"}},
    };
    for (const ErrorCase& c : cases) {
        expect_errors(c.name, pod_errors(c.container, c.spec), c.errors);
    }
}

TEST(KubeErrors, OfAFileComeAllAtOnceInTheOrderOfTheText) {
    const auto errors = errors_of(
        "apiVersion: v2\nkind: Pod\nmetadata: {name: Web}\nspec:\n  contaners: []\n  containers: "
        "[]\n");
    expect_errors("all", errors,
                  {"web.yaml:1:13: apiVersion: 'v2' is not the apiVersion of a Pod; allowed: v1",
                   "web.yaml:3:18: metadata.name: 'Web' is not a name",
                   "web.yaml:5:3: spec.contaners: unknown field",
                   "web.yaml:6:15: spec.containers: must hold a container"});
}

struct FileCase {
    const char* name;
    std::string text;
    std::vector<std::string> errors;
};

const char kDeployment[] = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n";
const char kTemplate[] = "  template: {spec: {containers: [{name: c, image: a}]}}\n";

TEST(KubeErrors, OfWholeFiles) {
    const std::string deployment = kDeployment;
    const FileCase cases[] = {
        {"empty", "", {"web.yaml: is empty; allowed: app: at the root, or apiVersion: and kind:"}},
        {"a list", "- a\n", {"web.yaml:1:1: is no manifest"}},
        {"neither dialect",
         "knd: Pod\n",
         {"web.yaml:1:1: is no manifest; allowed: app: at the root, or apiVersion: and kind:; did "
          "you mean 'kind'?"}},
        {"no kind", "apiVersion: v1\n", {"web.yaml:1:1: kind: is missing"}},
        {"unknown kind",
         "apiVersion: v1\nkind: Pdo\n",
         {"web.yaml:2:7: kind: there is no kind 'Pdo'; allowed: ConfigMap, Deployment, "
          "PersistentVolumeClaim, Pod, Secret; did you mean 'Pod'?"}},
        {"later kind",
         "apiVersion: v1\nkind: Service\n",
         {"web.yaml:2:7: kind: the kind Service is not supported yet"}},
        {"nothing to run",
         "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
         {"web.yaml:1:1: there is nothing to run in this file"}},
        {"no spec",
         "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n",
         {"web.yaml:1:1: spec: is missing"}},
        {"no metadata",
         "apiVersion: v1\nkind: Pod\nspec: {containers: [{name: c, image: a}]}\n",
         {"web.yaml:1:1: metadata: is missing"}},
        {"replicas",
         deployment + "  replicas: 2\n" + kTemplate,
         {"web.yaml:5:13: spec.replicas: more than one replica is not supported; allowed: 1"}},
        {"no replicas",
         deployment + "  replicas: 0\n" + kTemplate,
         {"web.yaml:5:13: spec.replicas: 0 replicas are not supported"}},
        {"strategy",
         deployment + "  strategy: {type: Recreate}\n" + kTemplate,
         {"web.yaml:5:14: spec.strategy.type: a strategy is not supported yet"}},
        {"setting",
         "apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: {podreeve.io/depend-on: "
         "x}}\nspec: {containers: [{name: c, image: a}]}\n",
         {"web.yaml:3:35: metadata.annotations['podreeve.io/depend-on']: unknown annotation of "
          "podreeve; allowed: podreeve.io/autostart, podreeve.io/conditions, "
          "podreeve.io/depends-on, podreeve.io/ready, podreeve.io/restart; did you mean "
          "'depends-on'?"}},
        {"dependency",
         "apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: {podreeve.io/depends-on: "
         "'x=read, Y, z,z'}}\nspec: {containers: [{name: c, image: a}]}\n",
         {"web.yaml:3:59: metadata.annotations['podreeve.io/depends-on']: 'read' is nothing to "
          "wait for; allowed: started, healthy, finished, failed",
          "web.yaml:3:59: metadata.annotations['podreeve.io/depends-on']: 'Y' is not the name of "
          "an app",
          "web.yaml:3:59: metadata.annotations['podreeve.io/depends-on']: depends on z twice"}},
        {"our label",
         "apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {io.podreeve.app: x}}\nspec: "
         "{containers: [{name: c, image: a}]}\n",
         {"web.yaml:3:30: metadata.labels['io.podreeve.app']: labels that start with io.podreeve. "
          "are podreeve's own"}},
        {"podman's annotation",
         "apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: "
         "{io.podman.annotations.userns: auto}}\nspec: {containers: [{name: c, image: a}]}\n",
         {"web.yaml:3:35: metadata.annotations['io.podman.annotations.userns']: this annotation of "
          "podman's is not supported yet"}},
        {"two pods of one name",
         pod_text("") + "---\n" + pod_text(""),
         {"web.yaml:13:9: document[1].metadata.name: the pod web is there twice"}},
    };
    for (const FileCase& c : cases) {
        const auto errors = errors_of(c.text);
        ASSERT_GE(errors.size(), c.errors.size()) << c.name;
        for (std::size_t i = 0; i < c.errors.size(); ++i) {
            const bool there = std::any_of(errors.begin(), errors.end(), [&](const auto& e) {
                return e.compare(0, c.errors[i].size(), c.errors[i]) == 0;
            });
            EXPECT_TRUE(there) << c.name << ": " << c.errors[i] << "\n  is not " << errors.front();
        }
    }
}

TEST(KubeErrors, NeverShowASecret) {
    const std::string secret = "hunter2-hunter2";
    const std::string text =
        pod_text("env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: nope}}}]") +
        "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: " + secret + ", b: [" +
        secret + "]}\nstringData: {c: {d: " + secret + "}, 'e/f': " + secret + "}\ntype: x\n";
    const auto errors = errors_of(text);
    EXPECT_GE(errors.size(), 4U);
    for (const std::string& error : errors) {
        EXPECT_EQ(error.find(secret), std::string::npos) << error;
    }
}

TEST(KubeErrors, ClashingNamesOfPodsAndContainersAreFound) {
    const std::string other =
        "---\napiVersion: v1\nkind: Pod\nmetadata: {name: web-c}\nspec: {containers: [{name: x, "
        "image: a}]}\n";
    expect_errors("name space", errors_of(pod_text("") + other),
                  {"web.yaml: container web/c: podman would call two things web-c"});
}

TEST(KubeErrors, AFileNameThatCannotBeAnAppIsTold) {
    expect_errors("stem", errors_of(pod_text(""), "/etc/podreeve/apps/My App.yaml"),
                  {"/etc/podreeve/apps/My App.yaml: the file's name is the app's, and 'My App' "
                   "cannot be one"});
}

}  // namespace
}  // namespace podreeve::manifests
