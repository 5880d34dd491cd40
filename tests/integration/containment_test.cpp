#include <fstream>
#include <stdexcept>

#include <gtest/gtest.h>

#include "runtime/base/utf8.h"
#include "tests/fakes/scarce_memory.h"
#include "tests/integration/harness.h"
#include "tests/integration/manifest_texts.h"

// What one app's data makes the agent throw, or would have once, is that app's condition; the
// others are repaired as if it were not there.
namespace podreeve::integration {
namespace {

using fakes::ScarceMemory;

constexpr std::size_t kMuch = 400'000;

std::string long_app(const std::string& zone) {
    return to_text(SingleApp{.id = "long", .zone = zone + std::string(kMuch + 1000, 'x')});
}

class Containing : public ::testing::Test {
  protected:
    void SetUp() override {
        host.write("clock.yaml", to_text(SingleApp{}));
        host.write("long.yaml", long_app("a"));
        host.start();
        host.advance(std::chrono::minutes(1));
        before = host.ids();
        ASSERT_EQ(host.state("long"), "Running");
    }

    void expect_clock_repaired() {
        ASSERT_TRUE(host.podman->kill_process("clock"));
        host.pass();
        EXPECT_EQ(host.podman->state_of("clock"), "running");
        EXPECT_EQ(host.state("clock"), "Running");
        EXPECT_TRUE(host.reports.back().error.empty()) << host.reports.back().error;
    }

    Host host;
    std::map<std::string, std::string> before;
};

TEST_F(Containing, AManifestThatThrowsKeepsTheVersionBefore) {
    host.write("long.yaml", long_app("b"));
    {
        const ScarceMemory scarce(kMuch);
        host.pass();
        EXPECT_GT(ScarceMemory::refused(), 0U);
        EXPECT_TRUE(host.has_condition("long", "ManifestError"));
        EXPECT_NE(host.condition("long", "ManifestError").find("internal error"),
                  std::string::npos);
        expect_clock_repaired();
        EXPECT_EQ(host.podman->state_of("long"), "running");
    }
    EXPECT_EQ(host.ids(), before);
    host.pass();
    EXPECT_FALSE(host.has_condition("long", "ManifestError"));
    EXPECT_NE(host.ids().at("long"), before.at("long")) << "the new version is deployed";
}

TEST_F(Containing, AnAgentThatStartsWithItKeepsAllThatRuns) {
    host.stop();
    {
        const ScarceMemory scarce(kMuch);
        host.start();
        EXPECT_GT(ScarceMemory::refused(), 0U);
        expect_clock_repaired();
    }
    EXPECT_EQ(host.ids(), before);
    host.pass();
    EXPECT_EQ(host.state("long"), "Running") << host.app("long").message;
    EXPECT_EQ(host.ids(), before);
}

TEST_F(Containing, AnAppThatThrowsWhileWeighedIsLeftAndTheOthersAreRepaired) {
    host.agent->supervisor().set_readiness([]() -> supervise::PartReadiness {
        return [](const std::string& app, auto&&...) {
            if (app == "long") {
                throw std::runtime_error("cannot weigh \xFF");
            }
            return supervise::PartHealth{true, "", ""};
        };
    });
    expect_clock_repaired();
    EXPECT_NE(host.condition("long", "InternalError").find(R"(cannot weigh \xff)"),
              std::string::npos);
    host.agent->supervisor().set_readiness(nullptr);
    host.pass();
    EXPECT_FALSE(host.has_condition("long", "InternalError"));
    EXPECT_EQ(host.podman->state_of("long"), "running");
    EXPECT_EQ(host.ids(), before);
}

TEST_F(Containing, FileNamesThatAreNoTextAreTold) {
    host.write("web.container", "[Container]\nImage=localhost/busybox:latest\n");
    host.pass();
    std::filesystem::create_directory(host.manifests / "web.container.d");
    std::ofstream(host.manifests / "web.container.d" / "\xFF.conf") << "[Container]\nHostName=x\n";
    std::ofstream(host.manifests / "odd\xFF.yaml") << "app: [";
    host.pass();
    EXPECT_NE(host.condition("web", "ManifestError").find(R"(\xff.conf)"), std::string::npos);
    bool reported = false;
    for (const supervise::AppStatus& app : host.reports.back().overview.apps) {
        reported = reported || app.name.find(R"(odd\xff.yaml)") != std::string::npos;
        EXPECT_FALSE(find_text_flaw(app.name + app.message + app.file)) << app.name;
    }
    EXPECT_TRUE(reported);
    expect_clock_repaired();
}

TEST_F(Containing, RowsOfAnotherShapeEndNobody) {
    for (const char* extra :
         {R"({"request":"x","restart":[],"restarts":{"clock":3},"health":[1],"companions":{}})",
          R"({"restarts":{"clock":{"short_runs":"many","until":"never","last_exit":7}}})", "[]",
          "no JSON"}) {
        ASSERT_TRUE(host.agent->state().edit_app(
            "clock", [&](state::AppRecord& record) { record.extra = extra; }));
        host.restart();
        expect_clock_repaired();
    }
    EXPECT_EQ(host.ids(), before);
}

}  // namespace
}  // namespace podreeve::integration
