#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/integration/harness.h"
#include "tests/integration/manifest_texts.h"

namespace podreeve::integration {
namespace {

// The main job on every podman that is supported.
class EachPodman : public ::testing::TestWithParam<const char*> {};

TEST_P(EachPodman, DeploysRepairsUpdatesAndRemoves) {
    Host host(GetParam());
    host.podman->add_image("localhost/web:2");
    host.write("shop.yaml", to_text(ShopApp{}));
    host.start();
    ASSERT_EQ(host.state("shop"), "Running") << host.app("shop").message;
    host.advance(std::chrono::minutes(1));

    ASSERT_TRUE(host.podman->kill_process(host.service_of("shop")));
    host.pass();
    EXPECT_EQ(host.podman->state_of(host.service_of("shop")), "running");
    ASSERT_TRUE(host.podman->remove_behind_back("shop-db"));
    host.pass();
    EXPECT_EQ(host.state("shop"), "Running") << host.app("shop").message;

    host.write("shop.yaml", to_text(ShopApp{.web_image = "localhost/web:2", .db_name = "bazaar"}));
    host.pass();
    EXPECT_EQ(host.state("shop"), "Running") << host.app("shop").message;
    EXPECT_EQ(host.podman->inspect("shop-web-web")["image"], "localhost/web:2");
    EXPECT_EQ(host.app("shop").spec, host.app("shop").deployed_spec);

    host.erase("shop.yaml");
    host.pass();
    EXPECT_EQ(host.podman->container_names(), std::vector<std::string>{});
    EXPECT_EQ(host.podman->pod_names(), std::vector<std::string>{});
    EXPECT_EQ(host.snapshot().find("secret "), std::string::npos) << host.snapshot();
}

INSTANTIATE_TEST_SUITE_P(OfAll, EachPodman, ::testing::Values("4.3.1", "5.4.2", "5.8.6"));

}  // namespace
}  // namespace podreeve::integration
