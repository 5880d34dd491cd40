#include "manifests/conditions.h"

#include "manifests/validate.h"
#include "tests/unit/manifests/compiling.h"

namespace podreeve::manifests {
namespace {

std::string app_text(const std::string& conditions) {
    return "app:\n  id: web\n  name: Web\n  version: \"1\"\n  container: {image: a}\n"
           "  conditions: " +
           conditions + "\n";
}

std::string kube_text(const std::string& annotations) {
    return "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n  annotations: {" + annotations +
           "}\nspec: {containers: [{name: c, image: a}]}\n";
}

std::string texts_of(const AppSpec& app) {
    std::string all;
    for (const StartCondition& condition : app.conditions) {
        all += (all.empty() ? "" : "; ") + to_text(condition);
    }
    return all;
}

TEST(Conditions, AreReadInBothDialects) {
    struct Row {
        const char* written;
        const char* read;
    };

    const Row rows[] = {
        {"[path: /mnt/data]", "path /mnt/data to exist"},
        {"[port: 5432]", "port 127.0.0.1:5432 to be open"},
        {"[port: \"[::1]:80\"]", "port [::1]:80 to be open"},
        {"[network: online]", "the network to be online"},
        {"[time: \"2026-11-22T06:00:00Z\"]", "the time 2026-11-22T06:00:00Z"},
        {"[image: localhost/web:1]", "image localhost/web:1 to be present"},
        {"[unit: data.mount]", "unit data.mount to be active"},
        {"[{app: db, is: finished}]", "db to be finished"},
        {"[{any: [path: /a, {all: [path: /b, port: 1]}]}, path: /c]",
         "any of (path /a to exist, all of (path /b to exist, port 127.0.0.1:1 to be open)); "
         "path /c to exist"},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(texts_of(app_of(app_text(row.written))), row.read) << row.written;
    }
    EXPECT_EQ(texts_of(app_of(kube_text("podreeve.io/conditions: 'path=/a | port=80, "
                                        "network=online'"))),
              "any of (path /a to exist, port 127.0.0.1:80 to be open); the network to be online");
}

TEST(Conditions, SayWhatIsWrong) {
    struct Row {
        const char* written;
        const char* error;
    };

    const Row rows[] = {
        {"[port: 70000]", "'70000' is not a port"},
        {"[port: \"db:80\"]", "'db:80' is not a port"},
        {"[path: data]", "data"},
        {"[network: up]", "'up' is nothing to wait for"},
        {"[time: noon]", "'noon' is not a time"},
        {"[unit: data]", "'data' is not the name of a unit"},
        {"[{path: /a, port: 1}]", "must name one thing to wait for"},
        {"[{path: /a, is: healthy}]", "belongs to app"},
        {"[{pth: /a}]", "did you mean 'path'"},
        {"[{any: []}]", "must hold a condition"},
    };
    for (const Row& row : rows) {
        const auto errors = errors_of(app_text(row.written));
        ASSERT_EQ(errors.size(), 1U) << row.written;
        EXPECT_NE(errors[0].find(row.error), std::string::npos) << errors[0];
    }
    const auto errors = errors_of(kube_text("podreeve.io/conditions: 'pth=/a'"));
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_NE(errors[0].find("'pth=/a' is nothing to wait for"), std::string::npos) << errors[0];
}

TEST(Conditions, AreSixtyFourAtMost) {
    for (const std::size_t number : {64U, 65U}) {
        std::string list, line;
        for (std::size_t i = 0; i < number; ++i) {
            list += fmt::format("{}path: /{}", i == 0 ? "" : ", ", i);
            line += fmt::format("{}path=/{}", i == 0 ? "" : (i % 2 == 0 ? ", " : " | "), i);
        }
        for (const std::string& text :
             {app_text("[" + list + "]"), kube_text("podreeve.io/conditions: \"" + line + "\"")}) {
            const auto errors = errors_of(text);
            ASSERT_EQ(errors.size(), number == 64 ? 0U : 1U) << text;
            EXPECT_TRUE(errors.empty() ||
                        errors[0].find("holds 65 conditions, and an app may have 64") !=
                            std::string::npos)
                << errors[0];
        }
    }
}

TEST(Conditions, ACircleThroughAConditionIsRefused) {
    AppsByName apps;
    for (const auto& [name, other] : {std::pair{"a", "b"}, std::pair{"b", "a"}}) {
        AppSpec app;
        app.name = name;
        app.conditions = {{StartConditionKind::Any,
                           "",
                           DependencyKind::Started,
                           {{StartConditionKind::Service, other}}}};
        apps[name] = std::make_shared<const AppSpec>(app);
    }
    const auto flaws = validate_together(apps);
    ASSERT_TRUE(flaws.contains("a"));
    EXPECT_EQ(flaws.at("a").front().message, "waits for itself: a -> b -> a");
}

TEST(DependsOn, TellsWhatBecomesOfADependentLater) {
    const AppSpec app = app_of(
        "app:\n  id: web\n  name: Web\n  version: \"1\"\n  container: {image: a}\n"
        "  depends_on: [{app: db, is: healthy, policy: stop}, cache]\n");
    ASSERT_EQ(app.depends_on.size(), 2U);
    EXPECT_EQ(app.depends_on[0].policy, LossPolicy::Stop);
    EXPECT_EQ(app.depends_on[1].policy, LossPolicy::Stay);
    const AppSpec kube = app_of(kube_text("podreeve.io/depends-on: 'db=healthy:restart, cache'"));
    ASSERT_EQ(kube.depends_on.size(), 2U);
    EXPECT_EQ(kube.depends_on[0].is, DependencyKind::Healthy);
    EXPECT_EQ(kube.depends_on[0].policy, LossPolicy::Restart);
}

TEST(DependsOn, OnAPodOfTheSameFileOrdersThePods) {
    const std::string web =
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web, annotations: {podreeve.io/depends-on: "
        "'db=healthy, other'}}\nspec: {containers: [{name: c, image: a}]}\n";
    const std::string db =
        "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: db}\nspec: {template: "
        "{spec: {containers: [{name: c, image: a}]}}}\n";
    const AppSpec app = app_of(web + db);
    ASSERT_EQ(app.pods.size(), 2U);
    EXPECT_EQ(app.pods[0].part, "db-pod");
    ASSERT_EQ(app.pods[1].depends_on.size(), 1U);
    EXPECT_EQ(app.pods[1].depends_on[0].app, "db-pod");
    EXPECT_EQ(app.pods[1].depends_on[0].is, DependencyKind::Healthy);
    ASSERT_EQ(app.depends_on.size(), 1U);
    EXPECT_EQ(app.depends_on[0].app, "other");
}

TEST(DependsOn, PodsThatWaitForEachOtherAreRefused) {
    const auto pod = [](const char* name, const char* other) {
        return std::string("apiVersion: v1\nkind: Pod\nmetadata: {name: ") + name +
               ", annotations: {podreeve.io/depends-on: " + other +
               "}}\nspec: {containers: [{name: c, image: a}]}\n";
    };
    const auto errors = errors_of(pod("a", "b") + "---\n" + pod("b", "a"));
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_NE(errors[0].find("waits, by way of others, for itself"), std::string::npos)
        << errors[0];
}

TEST(Lifecycle, PreStopIsReadAndChangesNoContainer) {
    const ContainerSpec plain = container_of("");
    const ContainerSpec exec = container_of("lifecycle: {preStop: {exec: {command: [sync, now]}}}");
    EXPECT_EQ(exec.pre_stop.command, (std::vector<std::string>{"sync", "now"}));
    EXPECT_EQ(spec_hash(exec), spec_hash(plain));
    const ContainerSpec sleep = container_of("lifecycle: {preStop: {sleep: {seconds: 3}}}");
    EXPECT_EQ(sleep.pre_stop.sleep.count(), 3);
    const ContainerSpec http = container_of(
        "ports: [{name: web, containerPort: 8080}]\n"
        "lifecycle: {preStop: {httpGet: {path: /drain, port: web}}}");
    ASSERT_TRUE(http.pre_stop.request);
    EXPECT_EQ(http.pre_stop.request->kind, ProbeKind::Http);
    EXPECT_EQ(http.pre_stop.request->path, "/drain");
    EXPECT_EQ(http.pre_stop.request->ports, std::vector<std::uint16_t>{8080});
    EXPECT_EQ(http.pre_stop.request->timeout, http.stop_grace);
    const ContainerSpec tcp = container_of("lifecycle: {preStop: {tcpSocket: {port: 80}}}");
    ASSERT_TRUE(tcp.pre_stop.request);
    EXPECT_EQ(tcp.pre_stop.request->kind, ProbeKind::Tcp);
    EXPECT_EQ(spec_hash(tcp), spec_hash(plain));
}

}  // namespace
}  // namespace podreeve::manifests
