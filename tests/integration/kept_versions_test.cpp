#include <algorithm>
#include <filesystem>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "agent/supervise/decide/memory.h"
#include "tests/integration/harness.h"
#include "tests/integration/manifest_texts.h"

namespace podreeve::integration {
namespace {

namespace fs = std::filesystem;
using Specs = std::set<std::string>;

class LastTwenty : public ::testing::TestWithParam<bool> {
  protected:
    static bool has_secrets() { return GetParam(); }

    fs::path folder() const { return host.config.paths.state_dir / "accepted" / "shop"; }

    // Of the versions whose manifests are on the disk.
    Specs kept() const {
        Specs out;
        for (const auto& entry : fs::directory_iterator(folder())) {
            if (entry.path().extension() == ".json") {
                out.insert(entry.path().stem());
            }
        }
        return out;
    }

    void run_version(int number) {
        const std::string zone = fmt::format("Z{}", number);
        host.write("shop.yaml", has_secrets() ? to_text(ShopApp{.web_zone = zone})
                                              : to_text(SingleApp{.id = "shop", .zone = zone}));
        host.pass();
        host.advance(std::chrono::seconds(30));
        ran.push_back(host.app("shop").deployed_spec);
        ASSERT_EQ(ran.back(), host.app("shop").spec) << host.app("shop").message;
    }

    // By when what happened today can be undone no more.
    void wait_a_day() {
        host.stop();
        host.time.advance(std::chrono::hours(25));
        host.start();
        host.advance(std::chrono::minutes(11));
        host.pass();
    }

    std::vector<std::string> listed() const {
        std::vector<std::string> out;
        for (const auto& version :
             supervise::memory_from(host.agent->state().app("shop")->extra).ran) {
            out.push_back(version.spec);
        }
        return out;
    }

    Host host;
    std::vector<std::string> ran;  // the newest last
};

TEST_P(LastTwenty, ThatRanKeepTheirManifestsForTheOwnerAloneUnlessTheyHoldSecrets) {
    host.start();
    for (int number = 1; number <= 22; ++number) {
        run_version(number);
    }
    EXPECT_EQ(kept(), Specs(ran.begin(), ran.end())) << "all of it can still be undone";
    wait_a_day();
    const auto twentieth = ran.end() - 20;
    EXPECT_EQ(kept(), has_secrets() ? Specs{ran.back()} : Specs(twentieth, ran.end()));
    EXPECT_EQ(listed(), std::vector<std::string>(ran.rbegin(), ran.rbegin() + 20))
        << "the list has them all";
    EXPECT_EQ(fs::status(folder()).permissions(), fs::perms::owner_all);
    for (const std::string& spec : kept()) {
        EXPECT_EQ(fs::status(folder() / (spec + ".json")).permissions(),
                  fs::perms::owner_read | fs::perms::owner_write)
            << spec;
    }
}

INSTANTIATE_TEST_SUITE_P(OfAnApp, LastTwenty, ::testing::Bool(), [](const auto& row) {
    return row.param ? "WithSecrets" : "Plain";
});

}  // namespace
}  // namespace podreeve::integration
