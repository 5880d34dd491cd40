#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/integration/harness.h"
#include "tests/integration/manifest_texts.h"

namespace podreeve::integration {
namespace {

TEST(Removing, ADeletedManifestTakesAllOfItsAppButItsVolumes) {
    Host host;
    host.write("shop.yaml", to_text(ShopApp{}));
    host.write("clock.yaml", to_text(SingleApp{}));
    host.start();
    const std::string clock = host.podman->id_of("clock");
    host.erase("shop.yaml");
    host.pass();
    EXPECT_EQ(host.podman->container_names(), std::vector<std::string>{"clock"});
    EXPECT_EQ(host.podman->pod_names(), std::vector<std::string>{});
    EXPECT_EQ(host.podman->id_of("clock"), clock);
    const std::string snapshot = host.snapshot();
    EXPECT_NE(snapshot.find("volume shop-data"), std::string::npos) << snapshot;
    EXPECT_EQ(snapshot.find("secret "), std::string::npos) << snapshot;
    EXPECT_EQ(snapshot.find("shop-pages"), std::string::npos) << snapshot;
    EXPECT_EQ(snapshot.find("app shop"), std::string::npos) << snapshot;
    EXPECT_FALSE(host.agent->state().app("shop"));
}

TEST(Removing, TheServiceContainerIsTheLastToStop) {
    Host host;
    host.write("shop.yaml", to_text(ShopApp{}));
    host.start();
    const std::size_t from = host.podman->events().size();
    host.erase("shop.yaml");
    host.pass();
    const auto events = host.podman->events();
    std::vector<std::string> died;
    for (std::size_t i = from; i < events.size(); ++i) {
        if (events[i].action == "died") {
            died.push_back(events[i].attributes.at("name"));
        }
    }
    ASSERT_FALSE(died.empty());
    EXPECT_EQ(died.back(), "shop-service");
}

TEST(Removing, AnAppWhoseManifestCameBackFindsItsVolumeAgain) {
    Host host;
    host.write("shop.yaml", to_text(ShopApp{}));
    host.start();
    const std::string before = host.snapshot();
    host.erase("shop.yaml");
    host.pass();
    host.write("shop.yaml", to_text(ShopApp{}));
    host.pass();
    EXPECT_EQ(host.state("shop"), "Running") << host.app("shop").message;
}

TEST(Removing, AVanishedManifestDirectoryRemovesNothing) {
    Host host;
    host.write("clock.yaml", to_text(SingleApp{}));
    host.start();
    const auto ids = host.ids();
    std::filesystem::rename(host.manifests, host.root / "away");
    std::ofstream(host.manifests) << "not a directory";
    host.pass();
    EXPECT_EQ(host.ids(), ids);
    EXPECT_EQ(host.podman->state_of("clock"), "running");
    std::filesystem::remove(host.manifests);
    std::filesystem::rename(host.root / "away", host.manifests);
    host.pass();
    EXPECT_EQ(host.ids(), ids);
    EXPECT_EQ(host.state("clock"), "Running");
}

TEST(Removing, AStoppedAppIsRemovedToo) {
    Host host;
    host.write("clock.yaml", to_text(SingleApp{}));
    host.start();
    state::AppRecord record = *host.agent->state().app("clock");
    record.stopped = true;
    ASSERT_TRUE(host.agent->state().put_app(record));
    host.pass();
    EXPECT_EQ(host.podman->state_of("clock"), "exited");
    host.erase("clock.yaml");
    host.pass();
    EXPECT_EQ(host.podman->container_names(), std::vector<std::string>{});
}

}  // namespace
}  // namespace podreeve::integration
