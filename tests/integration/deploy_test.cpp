#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "runtime/podman/client.h"
#include "tests/integration/harness.h"
#include "tests/integration/manifest_texts.h"

namespace podreeve::integration {
namespace {

std::size_t index_of_event(const Host& host, const std::string& action, const std::string& name) {
    const auto events = host.podman->events();
    for (std::size_t i = 0; i < events.size(); ++i) {
        const auto named = events[i].attributes.find("name");
        if (events[i].action == action && named != events[i].attributes.end() &&
            named->second == name) {
            return i;
        }
    }
    ADD_FAILURE() << "no event " << action << " of " << name;
    return events.size();
}

TEST(Deploying, AnAppOfOneContainerComesUpFromItsFileAlone) {
    Host host;
    host.write("clock.yaml", to_text(SingleApp{.port = 28090}));
    host.start();
    EXPECT_EQ(host.state("clock"), "Running");
    EXPECT_EQ(host.podman->state_of("clock"), "running");
    EXPECT_EQ(host.podman->container_names(), std::vector<std::string>{"clock"});
    EXPECT_EQ(host.app("clock").parts_ready, 0U) << "it has to live for a second first";
    host.advance(std::chrono::seconds(2));
    const supervise::AppStatus status = host.app("clock");
    EXPECT_EQ(status.parts_ready, 1U);
    EXPECT_EQ(status.generation, 1);
    EXPECT_EQ(status.spec, status.deployed_spec);
}

TEST(Deploying, AnAppOfTwoPodsComesUpWithAllThatBelongsToIt) {
    Host host;
    host.write("shop.yaml", to_text(ShopApp{}));
    host.start();
    EXPECT_EQ(host.state("shop"), "Running") << host.app("shop").message;
    EXPECT_EQ(host.podman->pod_names(), (std::vector<std::string>{"shop-db", "shop-web"}));
    for (const std::string& name :
         {std::string("shop-db-db"), std::string("shop-web-web"), host.service_of("shop")}) {
        EXPECT_EQ(host.podman->state_of(name), "running") << name;
    }
    const std::string snapshot = host.snapshot();
    EXPECT_NE(snapshot.find("volume shop-data"), std::string::npos) << snapshot;
    EXPECT_NE(snapshot.find("the shop is open"), std::string::npos) << snapshot;
}

TEST(Deploying, TheServiceContainerIsTheFirstToStart) {
    Host host;
    host.write("shop.yaml", to_text(ShopApp{}));
    host.start();
    const std::size_t service = index_of_event(host, "start", host.service_of("shop"));
    EXPECT_LT(service, index_of_event(host, "start", "shop-db-db"));
    EXPECT_LT(service, index_of_event(host, "start", "shop-web-web"));
}

TEST(Deploying, APassOverAConvergedHostChangesNothingAndWritesNothing) {
    Host host;
    host.write("shop.yaml", to_text(ShopApp{}));
    host.write("clock.yaml", to_text(SingleApp{.port = 28090}));
    host.start();
    host.pass();
    const std::uint64_t rows = host.agent->state().rows_written();
    host.podman->clear_journal();
    for (int i = 0; i < 3; ++i) {
        host.pass();
    }
    host.advance(std::chrono::minutes(5));
    EXPECT_EQ(host.podman->mutations(), std::vector<std::string>{});
    EXPECT_EQ(host.agent->state().rows_written(), rows);
    EXPECT_TRUE(host.reports.back().converged);
}

TEST(Deploying, APassComesThirtySecondsAfterTheEndOfTheLast) {
    Host host;
    host.write("clock.yaml", to_text(SingleApp{}));
    host.start();
    host.advance(std::chrono::seconds(5));  // until the container counts as ready
    host.pass();
    const std::size_t passes = host.reports.size();
    host.advance(std::chrono::seconds(29));
    EXPECT_EQ(host.reports.size(), passes);
    host.advance(std::chrono::seconds(1));
    EXPECT_EQ(host.reports.size(), passes + 1);
    host.advance(std::chrono::seconds(300));
    EXPECT_EQ(host.reports.size(), passes + 11);
}

TEST(Deploying, TwentyAppsConverge) {
    Host host;
    for (int i = 0; i < 20; ++i) {
        const std::string id = "app-" + std::to_string(i);
        host.write(id + ".yaml", to_text(SingleApp{.id = id}));
    }
    host.start();
    EXPECT_EQ(host.podman->container_names().size(), 20U);
    const supervise::Overview overview = *host.agent->shared_status().lock();
    EXPECT_EQ(overview.up(), 20U);
}

TEST(Deploying, AnAppStartsAfterThoseItDependsOn) {
    Host host;
    host.write("a.yaml", to_text(SingleApp{.id = "aaa", .more = "  depends_on: [mid]\n"}));
    host.write("m.yaml", to_text(SingleApp{.id = "mid", .more = "  depends_on: [zzz]\n"}));
    host.write("z.yaml", to_text(SingleApp{.id = "zzz"}));
    host.start();
    EXPECT_EQ(host.state("aaa"), "Running");
    EXPECT_LT(index_of_event(host, "start", "zzz"), index_of_event(host, "create", "mid"));
    EXPECT_LT(index_of_event(host, "start", "mid"), index_of_event(host, "create", "aaa"));
}

TEST(Deploying, AnAppWaitsForADependencyThatIsNotUpAndSaysForWhich) {
    Host host;
    host.write("web.yaml", to_text(SingleApp{.id = "web", .more = "  depends_on: [db]\n"}));
    host.write("db.yaml", to_text(SingleApp{.id = "db", .image = "localhost/absent:1"}));
    host.start();
    EXPECT_EQ(host.state("web"), "Waiting");
    EXPECT_NE(host.app("web").message.find("db"), std::string::npos) << host.app("web").message;
    EXPECT_EQ(host.podman->container_names(), std::vector<std::string>{});
    host.podman->add_image("localhost/absent:1");
    host.advance(std::chrono::minutes(1));
    host.converge();
    EXPECT_EQ(host.state("db"), "Running") << host.app("db").message;
    EXPECT_EQ(host.state("web"), "Running") << host.app("web").message;
}

TEST(Deploying, AnImageThatIsNotHereIsPulled) {
    Host host;
    host.podman->add_to_registry("registry.example/web:1", {}, {"Trying to pull", "Writing"});
    host.write("web.yaml", to_text(SingleApp{.id = "web", .image = "registry.example/web:1"}));
    host.start();
    EXPECT_EQ(host.state("web"), "Running") << host.app("web").message;
}

// Those of people win: the service container is called by a digest.
TEST(Deploying, LeavesTheNamesOfServicesToPeople) {
    const auto pod = [](const std::string& name, const std::string& container) {
        return "apiVersion: v1\nkind: Pod\nmetadata: {name: " + name +
               "}\nspec:\n  containers:\n  - {name: " + container +
               ", image: localhost/busybox:latest, command: [serve]}\n";
    };
    Host host;
    host.write("dns.yml", pod("dns", "service"));
    host.write("shop.yaml", pod("shop", "shop") + "---\n" + pod("shop-service", "till"));
    host.write("web.yaml", pod("web-service", "main"));
    host.write("db.yaml", pod("db", "main"));
    host.start();
    for (const char* app : {"dns", "shop", "web", "db"}) {
        EXPECT_EQ(host.state(app), "Running") << host.app(app).message;
        EXPECT_EQ(host.podman->state_of(host.service_of(app)), "running") << app;
    }
    EXPECT_EQ(host.podman->state_of("dns-service"), "running");
    EXPECT_EQ(host.podman->state_of("shop-service-till"), "running");
    EXPECT_EQ(host.podman->pod_names(),
              (std::vector<std::string>{"db", "dns", "shop", "shop-service", "web-service"}));
}

// As those that an earlier podreeve has made.
TEST(Deploying, KeepsAServiceContainerUnderTheNameItHas) {
    for (const char* version : {"4.3.1", "5.4.2"}) {
        Host host(version);
        host.write("shop.yaml", to_text(ShopApp{}));
        host.start();
        const std::string made = host.podman->id_of(host.service_of("shop"));
        ASSERT_NE(made, "") << version;
        podman::Client client(host.podman->socket_path());
        ASSERT_TRUE(client.rename_container(made, "shop-service", {}));
        host.restart();
        const auto before = host.ids();
        host.podman->clear_journal();
        host.advance(std::chrono::minutes(2));
        EXPECT_EQ(host.podman->mutations(), std::vector<std::string>{}) << version;
        ASSERT_TRUE(host.podman->kill_process("shop-service"));
        host.pass();
        EXPECT_EQ(host.podman->state_of("shop-service"), "running") << version;
        EXPECT_EQ(host.ids(), before) << version;
        host.write("shop.yaml", to_text(ShopApp{.web_zone = "CET"}));
        host.pass();
        host.advance(std::chrono::minutes(1));
        EXPECT_EQ(host.state("shop"), "Running") << host.app("shop").message;
        EXPECT_EQ(host.podman->id_of("shop-service"), made) << version;
        host.erase("shop.yaml");
        host.pass();
        host.advance(std::chrono::minutes(1));
        EXPECT_EQ(host.ids(), (std::map<std::string, std::string>{})) << version;
    }
}

}  // namespace
}  // namespace podreeve::integration
