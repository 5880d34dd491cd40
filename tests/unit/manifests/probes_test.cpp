#include "manifests/probes.h"

#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/unit/manifests/compiling.h"

namespace podreeve::manifests {
namespace {

using std::chrono::seconds;
using Ports = std::vector<std::uint16_t>;
using Words = std::vector<std::string>;

const std::string kApp =
    "app:\n  id: web\n  name: web\n  version: 1\n  container: {image: a:1}\n"
    "  ports: [{host: 80, container: 8080}, {host: 53, container: 53, protocol: udp}]\n";

ContainerSpec app_with(const std::string& more) {
    const AppSpec app = app_of(kApp + more);
    return app.containers.empty() ? ContainerSpec{} : app.containers[0];
}

TEST(Probes, HaveTheDefaultsOfKubernetes) {
    const ContainerSpec c = container_of("livenessProbe: {tcpSocket: {port: 80}}");
    ASSERT_TRUE(c.health.liveness);
    const Probe& probe = *c.health.liveness;
    EXPECT_EQ(probe.kind, ProbeKind::Tcp);
    EXPECT_EQ(probe.ports, Ports{80});
    EXPECT_EQ(probe.initial_delay, seconds(0));
    EXPECT_EQ(probe.period, seconds(10));
    EXPECT_EQ(probe.timeout, seconds(1));
    EXPECT_EQ(probe.success_threshold, 1);
    EXPECT_EQ(probe.failure_threshold, 3);
    EXPECT_FALSE(probe.stop_grace);
    EXPECT_FALSE(c.health.readiness || c.health.startup);
}

TEST(Probes, ReadAllTheirFields) {
    const ContainerSpec c = container_of(
        "ports: [{name: http, containerPort: 8080}]\n"
        "readinessProbe:\n"
        "  httpGet: {port: http, path: 'ready?deep=1', host: 127.0.0.1, scheme: HTTPS,\n"
        "    httpHeaders: [{name: Host, value: shop.example}, {name: X-Count, value: 3}]}\n"
        "  initialDelaySeconds: 5\n  periodSeconds: 2\n  timeoutSeconds: 3\n"
        "  successThreshold: 4\n  failureThreshold: 6\n"
        "livenessProbe: {grpc: {port: 9000, service: shop}, terminationGracePeriodSeconds: 7}\n"
        "startupProbe: {exec: {command: [check, $(HOME_DIR)]}}\n"
        "env: [{name: HOME_DIR, value: /srv}]");
    ASSERT_TRUE(c.health.readiness && c.health.liveness && c.health.startup);
    const Probe& ready = *c.health.readiness;
    EXPECT_EQ(ready.kind, ProbeKind::Http);
    EXPECT_EQ(ready.ports, Ports{8080});
    EXPECT_EQ(ready.path, "/ready?deep=1");
    EXPECT_EQ(ready.host, "127.0.0.1");
    EXPECT_TRUE(ready.tls);
    EXPECT_EQ(ready.headers, (std::vector<std::pair<std::string, std::string>>{
                                 {"Host", "shop.example"}, {"X-Count", "3"}}));
    EXPECT_EQ(ready.initial_delay, seconds(5));
    EXPECT_EQ(ready.period, seconds(2));
    EXPECT_EQ(ready.timeout, seconds(3));
    EXPECT_EQ(ready.success_threshold, 4);
    EXPECT_EQ(ready.failure_threshold, 6);
    EXPECT_EQ(c.health.liveness->kind, ProbeKind::Grpc);
    EXPECT_EQ(c.health.liveness->service, "shop");
    EXPECT_EQ(c.health.liveness->stop_grace, seconds(7));
    EXPECT_EQ(c.health.startup->command, (Words{"check", "/srv"}));
}

TEST(Probes, OfTheAppDialectAreTheSame) {
    const ContainerSpec c = app_with(
        "  health:\n    readiness: {httpGet: {port: 8080}, periodSeconds: 1}\n"
        "    liveness: {tcpSocket: {port: 8080, host: localhost}}\n"
        "    startup: {exec: {command: [\"true\"]}}\n");
    ASSERT_TRUE(c.health.readiness && c.health.liveness && c.health.startup);
    EXPECT_EQ(c.health.readiness->path, "/");
    EXPECT_EQ(c.health.liveness->host, "");
}

struct CheckCase {
    const char* check;
    ProbeKind kind;
    Ports ports;
    std::string host, path;
    bool tls;
};

TEST(HealthCheck, IsShortForReadiness) {
    const CheckCase cases[] = {
        {"type: http, endpoint: 'http://localhost:8080', path: /health",
         ProbeKind::Http,
         {8080},
         "",
         "/health",
         false},
        {"type: http, endpoint: 'http://localhost'", ProbeKind::Http, {80}, "", "/", false},
        {"type: http, endpoint: 'https://127.0.0.1:8443/up?x=1'",
         ProbeKind::Http,
         {8443},
         "127.0.0.1",
         "/up?x=1",
         true},
        {"type: http, endpoint: 8080", ProbeKind::Http, {8080}, "", "/", false},
        {"type: tcp, endpoint: 'localhost:5432'", ProbeKind::Tcp, {5432}, "", "", false},
        {"type: tcp, endpoint: '[::1]:5432'", ProbeKind::Tcp, {5432}, "::1", "", false},
        {"type: tcp, endpoint: ':5432'", ProbeKind::Tcp, {5432}, "", "", false},
    };
    for (const CheckCase& c : cases) {
        const ContainerSpec app = app_with(std::string("  health_check: {") + c.check + "}\n");
        ASSERT_TRUE(app.health.readiness) << c.check;
        EXPECT_EQ(app.health.readiness->kind, c.kind) << c.check;
        EXPECT_EQ(app.health.readiness->ports, c.ports) << c.check;
        EXPECT_EQ(app.health.readiness->host, c.host) << c.check;
        EXPECT_EQ(app.health.readiness->path, c.path) << c.check;
        EXPECT_EQ(app.health.readiness->tls, c.tls) << c.check;
        EXPECT_EQ(app.health.readiness->period, seconds(30));
        EXPECT_EQ(app.health.readiness->timeout, seconds(5));
        EXPECT_FALSE(app.health.liveness);
    }
    const ContainerSpec app = app_with(
        "  health_check: {type: exec-cmd, endpoint: bitcoin-cli ping, interval: 2m, timeout: 10s, "
        "retries: 5}\n");
    ASSERT_TRUE(app.health.readiness);
    EXPECT_EQ(app.health.readiness->command, (Words{"/bin/sh", "-c", "bitcoin-cli ping"}));
    EXPECT_EQ(app.health.readiness->period, seconds(120));
    EXPECT_EQ(app.health.readiness->timeout, seconds(10));
    EXPECT_EQ(app.health.readiness->failure_threshold, 5);
}

TEST(ReadyByPort, AsksForThePublishedPortsOfAnApp) {
    EXPECT_EQ(app_with("  ready: port\n").health.readiness, open_ports({8080}));
    EXPECT_FALSE(app_with("  ready: running\n").health.readiness);
}

TEST(ReadyByPort, AsksForTheDeclaredPortsOfEachContainerOfAPod) {
    std::string text = pod_text(
        "ports: [{containerPort: 80}, {containerPort: 443, hostPort: 8443}, {containerPort: 53, "
        "protocol: UDP}]\n");
    text +=
        "    - {name: side, image: a:1}\n"
        "    - {name: asked, image: a:1, ports: [{containerPort: 9}],\n"
        "       readinessProbe: {httpGet: {port: 9}}}\n";
    text.replace(text.find("  name: web\n"), 12,
                 "  name: web\n  annotations: {podreeve.io/ready: port}\n");
    const AppSpec app = app_of(text);
    ASSERT_EQ(app.containers.size(), 3U);
    EXPECT_EQ(app.containers[0].health.readiness, open_ports({80, 443}));
    EXPECT_FALSE(app.containers[1].health.readiness);
    EXPECT_EQ(app.containers[2].health.readiness->kind, ProbeKind::Http);
}

struct ErrorCase {
    const char* text;
    const char* error;
};

TEST(ProbeErrors, SayWhereAndWhat) {
    const ErrorCase cases[] = {
        {"livenessProbe: {}",
         "web.yaml:9:22: spec.containers[0].livenessProbe: does not say how to ask; allowed: exec, "
         "grpc, httpGet, tcpSocket"},
        {"livenessProbe: {httpget: {port: 80}, tcpSocket: {port: 1}}",
         "web.yaml:9:23: spec.containers[0].livenessProbe.httpget: unknown field; allowed: "},
        {"livenessProbe: {tcpSocket: {port: 1}, exec: {command: [a]}}",
         "web.yaml:9:23: spec.containers[0].livenessProbe.tcpSocket: a probe asks in one way, and "
         "exec is given as well"},
        {"livenessProbe: {tcpSocket: {port: htp}}\nports: [{name: http, containerPort: 80}]",
         "web.yaml:9:41: spec.containers[0].livenessProbe.tcpSocket.port: the container has no "
         "port named 'htp'; allowed: http; did you mean 'http'?"},
        {"livenessProbe: {tcpSocket: {port: 65536}}",
         "web.yaml:9:41: spec.containers[0].livenessProbe.tcpSocket.port: must be a port"},
        {"livenessProbe: {tcpSocket: {}}",
         "web.yaml:9:34: spec.containers[0].livenessProbe.tcpSocket.port: is missing"},
        {"livenessProbe: {tcpSocket: {port: 1, host: db}}",
         "web.yaml:9:50: spec.containers[0].livenessProbe.tcpSocket.host: 'db' is not an address; "
         "for a virtual host set the header Host; allowed: an IP address, localhost"},
        {"livenessProbe: {httpGet: {port: 1, path: 'a b'}}",
         "web.yaml:9:48: spec.containers[0].livenessProbe.httpGet.path: must be the path of a URL"},
        {"livenessProbe: {httpGet: {port: 1, scheme: http}}",
         "web.yaml:9:50: spec.containers[0].livenessProbe.httpGet.scheme: 'http' is not a value"},
        {"livenessProbe: {httpGet: {port: 1, httpHeaders: [{name: 'a:b', value: c}]}}",
         "web.yaml:9:63: spec.containers[0].livenessProbe.httpGet.httpHeaders[0].name: 'a:b' is "
         "not the name of a header"},
        {"livenessProbe: {httpGet: {port: 1, httpHeaders: [{name: a, value: \"x\\r\\ny\"}]}}",
         "web.yaml:9:73: spec.containers[0].livenessProbe.httpGet.httpHeaders[0].value: must be "
         "one line"},
        {"livenessProbe: {grpc: {port: http}}",
         "web.yaml:9:36: spec.containers[0].livenessProbe.grpc.port: must be a whole number"},
        {"livenessProbe: {exec: {command: []}}",
         "web.yaml:9:39: spec.containers[0].livenessProbe.exec.command: must hold a command"},
        {"livenessProbe: {exec: {command: [a]}, successThreshold: 2}",
         "web.yaml:9:63: spec.containers[0].livenessProbe.successThreshold: must be 1 but for "
         "readiness"},
        {"livenessProbe: {exec: {command: [a]}, periodSeconds: 0}",
         "web.yaml:9:60: spec.containers[0].livenessProbe.periodSeconds: must be a whole number; "
         "allowed: 1 to 86400"},
        {"readinessProbe: {exec: {command: [a]}, terminationGracePeriodSeconds: 2}",
         "web.yaml:9:46: spec.containers[0].readinessProbe.terminationGracePeriodSeconds: "
         "readiness stops nothing"},
        {"ports: [{name: a, containerPort: 1}, {name: a, containerPort: 2}]",
         "web.yaml:9:51: spec.containers[0].ports[1].name: the port a is there twice"},
    };
    for (const ErrorCase& c : cases) {
        const auto errors = pod_errors(c.text);
        ASSERT_EQ(errors.size(), 1U) << c.text << (errors.empty() ? "" : errors.back());
        EXPECT_EQ(errors[0].substr(0, std::string(c.error).size()), c.error);
    }
}

TEST(ProbeErrors, OfAnAppSayWhereAndWhat) {
    const ErrorCase cases[] = {
        {"  health: {alive: {}}\n",
         "web.yaml:7:12: app.health.alive: unknown field; allowed: liveness, readiness, startup"},
        {"  health_check: {}\n", "web.yaml:7:17: app.health_check.type: is missing"},
        {"  health_check: {type: icmp}\n",
         "web.yaml:7:24: app.health_check.type: 'icmp' is not a value"},
        {"  health_check: {type: tcp}\n", "web.yaml:7:17: app.health_check.endpoint: is missing"},
        {"  health_check: {type: tcp, endpoint: db}\n",
         "web.yaml:7:39: app.health_check.endpoint: it does not say where to ask"},
        {"  health_check: {type: tcp, endpoint: 'db:5'}\n",
         "web.yaml:7:39: app.health_check.endpoint: it does not say where to ask"},
        {"  health_check: {type: http, endpoint: 'http://ann:hunter2@web:none/?t=hunter2'}\n",
         "web.yaml:7:40: app.health_check.endpoint: it does not say where to ask"},
        {"  health_check: {type: tcp, endpoint: 1, interval: 0s}\n",
         "web.yaml:7:52: app.health_check.interval: '0s' is not a time"},
        {"  health_check: {type: tcp, endpoint: 1}\n  health: {readiness: {tcpSocket: {port: "
         "1}}}\n",
         "web.yaml:7:3: app.health_check: cannot stand beside health.readiness"},
        {"  health_check: {type: tcp, endpoint: 1}\n  ready: port\n",
         "web.yaml:8:10: app.ready: cannot stand beside a readiness probe"},
        {"  ready: ports\n", "web.yaml:7:10: app.ready: 'ports' is not a value"},
    };
    for (const ErrorCase& c : cases) {
        const auto errors = errors_of(kApp + c.text);
        ASSERT_EQ(errors.size(), 1U) << c.text << (errors.empty() ? "" : errors.back());
        EXPECT_EQ(errors[0].substr(0, std::string(c.error).size()), c.error);
    }
}

// What is sent goes to the prober in one packet, together with all the rest.
TEST(ProbeErrors, WhatIsSentIsNotLongerThanFourKibibytesEach) {
    const std::string most(4096, 'x');
    const std::string path = "/" + most.substr(1);
    const std::string rows[][2] = {
        {"livenessProbe: {grpc: {port: 1, service: ", "}}"},
        {"livenessProbe: {httpGet: {port: 1, path: ", "}}"},
        {"livenessProbe: {httpGet: {port: 1, httpHeaders: [{name: abc, value: ", "}]}}"},
    };
    for (const auto& [before, after] : rows) {
        const std::string fits = before.find("path") != std::string::npos    ? path
                                 : before.find("value") != std::string::npos ? most.substr(3)
                                                                             : most;
        EXPECT_EQ(pod_errors(before + fits + after), Words{}) << before;
        const auto errors = pod_errors(before + fits + "x" + after);
        ASSERT_EQ(errors.size(), 1U) << before;
        EXPECT_NE(errors[0].find("is too long; allowed: 4096 bytes"), std::string::npos)
            << errors[0].substr(errors[0].size() - 100);
    }
}

TEST(ProbeErrors, TheShortHealthCheckHasTheLimitsOfTheLongOne) {
    const std::pair<std::string, const char*> rows[] = {
        {"'http://localhost:80/" + std::string(4096, 'x') + "'", "is too long"},
        {"'http://localhost:80/a b'", "must be the path of a URL"},
        {"\"http://localhost:80/a\\r\\nX: y\"", "must be the path of a URL"},
    };
    for (const auto& [endpoint, error] : rows) {
        const auto errors =
            errors_of(kApp + "  health_check: {type: http, endpoint: " + endpoint + "}\n");
        ASSERT_EQ(errors.size(), 1U) << endpoint;
        EXPECT_NE(errors[0].find(error), std::string::npos) << errors[0];
    }
}

TEST(ProbeErrors, AServiceIsOnOneLine) {
    const auto errors = pod_errors("livenessProbe: {grpc: {port: 1, service: \"a\\nb\"}}");
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_NE(errors[0].find("grpc.service: must be the name of a service, on one line"),
              std::string::npos)
        << errors[0];
}

TEST(ProbeErrors, AnInitContainerHasNoProbes) {
    const auto errors = pod_errors(
        "", "initContainers: [{name: i, image: a:1, startupProbe: {exec: {command: [a]}}}]");
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_NE(errors[0].find("startupProbe: an init container has no probes"), std::string::npos)
        << errors[0];
}

TEST(ProbeErrors, ReadyByPortNeedsATcpPort) {
    std::string text = pod_text("ports: [{containerPort: 53, protocol: UDP}]");
    text.replace(text.find("  name: web\n"), 12,
                 "  name: web\n  annotations: {podreeve.io/ready: port}\n");
    const auto errors = errors_of(text);
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_NE(errors[0].find("podreeve.io/ready: port asks for a container with a TCP port"),
              std::string::npos)
        << errors[0];
}

TEST(SpecHashOfProbes, IsTheAppsAndNotTheContainers) {
    const AppSpec plain = app_of(pod_text(""));
    const AppSpec probed = app_of(pod_text("livenessProbe: {tcpSocket: {port: 80}}"));
    EXPECT_EQ(spec_hash(plain.containers[0]), spec_hash(probed.containers[0]));
    EXPECT_NE(spec_hash(plain), spec_hash(probed));
    std::set<std::string> hashes{spec_hash(probed)};
    for (const char* more : {"periodSeconds: 2", "timeoutSeconds: 2", "failureThreshold: 2",
                             "initialDelaySeconds: 2", "terminationGracePeriodSeconds: 2"}) {
        const std::string probe = std::string("livenessProbe: {tcpSocket: {port: 80}, ") + more;
        EXPECT_TRUE(hashes.insert(spec_hash(app_of(pod_text(probe + "}")))).second) << more;
    }
}

TEST(RedactedJsonOfProbes, ShowsNeitherHeadersNorSecretWords) {
    const AppSpec app =
        app_of(pod_text("env: [{name: DB_PASSWORD, value: hunter2}]\n"
                        "livenessProbe: {exec: {command: [login, $(DB_PASSWORD)]}}\n"
                        "readinessProbe: {httpGet: {port: 80, path: /up, httpHeaders: [{name: "
                        "Authorization, value: Basic-abc}]}}"));
    EXPECT_EQ(app.containers[0].health.liveness->command.back(), "hunter2");
    const std::string text = to_redacted_json(app).dump();
    EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
    EXPECT_EQ(text.find("Basic-abc"), std::string::npos) << text;
    EXPECT_NE(text.find("\"/up\""), std::string::npos) << text;
    EXPECT_NE(text.find("Authorization"), std::string::npos) << text;
}

}  // namespace
}  // namespace podreeve::manifests
