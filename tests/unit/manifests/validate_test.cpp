#include "manifests/validate.h"

#include <gtest/gtest.h>

#include "tests/unit/manifests/compiling.h"

namespace podreeve::manifests {
namespace {

AppsByName apps_of(const std::vector<std::string>& texts) {
    AppsByName out;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        const std::string file = "/etc/" + std::string(1, static_cast<char>('a' + i)) + ".yaml";
        auto app = std::make_shared<const AppSpec>(app_of(texts[i], file));
        out.emplace(app->name, app);
    }
    return out;
}

std::string app_text(const std::string& id, const std::string& more = "") {
    return "app: {id: " + id + ", name: x, version: 1, container: {image: a}" +
           (more.empty() ? "" : ", " + more) + "}\n";
}

std::vector<std::string> problems_of(const AppsByName& apps) {
    std::vector<std::string> out;
    for (const auto& [app, diagnostics] : validate_together(apps)) {
        for (const Diagnostic& diagnostic : diagnostics) {
            out.push_back(app + " " + to_text(diagnostic));
        }
    }
    return out;
}

using Words = std::vector<std::string>;

TEST(Validate, FindsNothingWhereNothingIs) {
    EXPECT_EQ(problems_of(apps_of({app_text("z", "depends_on: [y]"), app_text("y"), pod_text("")})),
              Words{});
}

TEST(Validate, TheFirstFileKeepsTheHostPort) {
    EXPECT_EQ(problems_of(
                  apps_of({app_text("z", "ports: [{host: 80, container: 80}]"),
                           app_text("y", "ports: [{host: 80, container: 81, bind: 127.0.0.1}]")})),
              Words{"y /etc/b.yaml: host port 127.0.0.1:80/tcp: is taken by app z"});
}

TEST(Validate, OtherAddressesAndProtocolsDoNotClash) {
    EXPECT_EQ(
        problems_of(apps_of({app_text("z", "ports: [{host: 80, container: 80, bind: 127.0.0.1}]"),
                             app_text("y", "ports: [{host: 80, container: 80, bind: 127.0.0.2}]"),
                             app_text("x", "ports: [{host: 80, container: 80, protocol: udp}]")})),
        Words{});
}

TEST(Validate, WhatHasProblemsTakesNothing) {
    // y loses 80 to z, so its 81 is free for x.
    EXPECT_EQ(problems_of(apps_of(
                  {app_text("z", "ports: [{host: 80, container: 80}]"),
                   app_text("y", "ports: [{host: 80, container: 80}, {host: 81, container: 81}]"),
                   app_text("x", "ports: [{host: 81, container: 80}]")})),
              Words{"y /etc/b.yaml: host port 80/tcp: is taken by app z"});
}

TEST(Validate, ContainersAndPodsShareOneNameSpace) {
    EXPECT_EQ(problems_of(apps_of({pod_text(""), app_text("web-c")})),
              Words{"web-c /etc/b.yaml: container web-c: the name web-c is taken by app a"});
    EXPECT_EQ(problems_of(apps_of({pod_text(""), app_text("a-service")})), Words{});
}

TEST(Validate, DataMayBeSharedButNotWhatPodreeveFills) {
    const std::string volume = "volumes: [{type: volume, source: v, target: /v}]";
    EXPECT_EQ(problems_of(apps_of({app_text("z", volume), app_text("y", volume)})), Words{});
    const std::string config =
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: v}\ndata: {a: b}\n";
    const std::string pod = pod_text("volumeMounts: [{name: v, mountPath: /v}]",
                                     "volumes: [{name: v, configMap: {name: v}}]") +
                            config;
    EXPECT_EQ(
        problems_of(apps_of({pod, app_text("y", volume)})),
        Words{"y /etc/b.yaml: volume v: app a has a volume of this name, and it is another one"});
}

TEST(Validate, NamesTheNearestAppForAnUnknownDependency) {
    EXPECT_EQ(problems_of(apps_of({app_text("cache"), app_text("y", "depends_on: [cach]")})),
              Words{"y /etc/b.yaml:1:71: warning: depends_on: there is no app cach "
                    "among the files checked; did you mean 'cache'?"});
}

TEST(Validate, PrintsTheWayOfACycle) {
    EXPECT_EQ(
        problems_of(apps_of({app_text("a", "depends_on: [b]"), app_text("b", "depends_on: [c]"),
                             app_text("c", "depends_on: [a]"), app_text("d", "depends_on: [a]"),
                             app_text("e")})),
        (Words{"a /etc/a.yaml:1:71: depends_on: waits for itself: a -> b -> c -> a",
               "b /etc/b.yaml:1:71: depends_on: waits for itself: b -> c -> a -> b",
               "c /etc/c.yaml:1:71: depends_on: waits for itself: c -> a -> b -> c"}));
    EXPECT_EQ(problems_of(apps_of({app_text("a", "depends_on: [a]")})),
              Words{"a /etc/a.yaml:1:71: depends_on: waits for itself: a -> a"});
}

TEST(Validate, AKnownNameMayBeDependedOn) {
    const AppsByName apps = apps_of({app_text("a", "depends_on: [broken]")});
    EXPECT_TRUE(find_flaws(apps, {"a"}, {"broken"}).empty());
    EXPECT_EQ(find_flaws(apps, {"a"}, {}).size(), 1U);
}

TEST(Validate, ALongChainIsNoCycleAndNoStackOverflow) {
    AppsByName apps;
    for (int i = 0; i < 5000; ++i) {
        auto app = std::make_shared<AppSpec>();
        app->name = "app-" + std::to_string(i);
        app->file = app->name + ".yaml";
        if (i > 0) {
            app->depends_on.push_back(
                {"app-" + std::to_string(i - 1), DependencyKind::Started, {}});
        }
        apps.emplace(app->name, app);
    }
    EXPECT_TRUE(validate_together(apps).empty());
}

}  // namespace
}  // namespace podreeve::manifests
