#include <fstream>
#include <sys/stat.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/integration/harness.h"
#include "tests/integration/manifest_texts.h"

namespace podreeve::integration {
namespace {

namespace fs = std::filesystem;

std::string slurp(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

TEST(StateFile, GarbageIsSetAsideAndTheContainersStayTheSame) {
    Host host;
    host.write("shop.yaml", to_text(ShopApp{}));
    host.write("clock.yaml", to_text(SingleApp{}));
    host.start();
    const auto ids = host.ids();
    const std::int64_t generation = host.app("shop").generation;
    host.stop();
    std::ofstream(host.config.paths.state_dir / "state.db", std::ios::trunc) << "not a database";
    host.podman->clear_journal();
    host.start();
    EXPECT_EQ(host.story(""), std::vector<std::string>{"StateLost"});
    EXPECT_EQ(host.ids(), ids);
    EXPECT_EQ(host.podman->mutations(), std::vector<std::string>{});
    EXPECT_EQ(host.state("shop"), "Running") << host.app("shop").message;
    EXPECT_EQ(host.app("shop").generation, generation);
    EXPECT_EQ(host.app("shop").spec, host.app("shop").deployed_spec);
    EXPECT_FALSE(host.agent->state().health().set_aside.empty());
    bool kept = false;
    for (const auto& entry : fs::directory_iterator(host.config.paths.state_dir)) {
        kept = kept || entry.path().filename().string().find(".corrupt-") != std::string::npos;
    }
    EXPECT_TRUE(kept) << "what could not be read is not thrown away";
}

TEST(StateFile, ADirectoryThatIsRemovedWhileTheAgentRunsIsReportedAndTheNextAgentKeepsTheApps) {
    Host host;
    host.write("shop.yaml", to_text(ShopApp{}));
    host.start();
    const auto ids = host.ids();
    const auto is_reported = [&] {
        return !host.agent->shared_status().lock()->agent_conditions.empty();
    };
    EXPECT_FALSE(is_reported());
    fs::remove_all(host.config.paths.state_dir);
    const std::size_t passes = host.reports.size();
    while (host.reports.size() == passes) {
        host.advance(std::chrono::seconds(1));
    }
    EXPECT_TRUE(is_reported()) << "at the next pass of a quiet host, not half a minute after it";
    host.podman->clear_journal();
    host.stop();
    host.start();
    EXPECT_FALSE(is_reported());
    EXPECT_EQ(host.ids(), ids);
    EXPECT_EQ(host.podman->mutations(), std::vector<std::string>{});
    EXPECT_EQ(host.state("shop"), "Running") << host.app("shop").message;
}

TEST(StateFile, ALostFileIsMadeAnewFromTheLabels) {
    Host host;
    host.write("shop.yaml", to_text(ShopApp{}));
    host.start();
    const auto ids = host.ids();
    host.stop();
    for (const char* file : {"state.db", "state.db-wal", "state.db-shm"}) {
        fs::remove(host.config.paths.state_dir / file);
    }
    host.podman->clear_journal();
    host.start();
    EXPECT_EQ(host.story(""), std::vector<std::string>{"StateLost"});
    host.restart();
    EXPECT_EQ(host.story(""), std::vector<std::string>{"StateLost"}) << "told once";
    EXPECT_EQ(host.ids(), ids);
    EXPECT_EQ(host.podman->mutations(), std::vector<std::string>{});
    EXPECT_EQ(host.state("shop"), "Running");
}

TEST(StateFile, AnAppThatIsNoLongerWantedIsRemovedAlsoAfterTheFileWasLost) {
    Host host;
    host.write("shop.yaml", to_text(ShopApp{}));
    host.start();
    host.stop();
    std::ofstream(host.config.paths.state_dir / "state.db", std::ios::trunc) << "not a database";
    host.erase("shop.yaml");
    host.start();
    EXPECT_EQ(host.podman->container_names(), std::vector<std::string>{});
    EXPECT_EQ(host.podman->pod_names(), std::vector<std::string>{});
}

TEST(StateFile, ASecondAgentOnTheSameDirectoryIsRefused) {
    Host host;
    host.start();
    const auto second = host.make_agent();
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Code::Conflict) << second.error().message;
}

TEST(StateFile, AnotherAgentsContainersAreLeftAlone) {
    Host host;
    host.write("clock.yaml", to_text(SingleApp{}));
    host.start();
    const auto ids = host.ids();
    host.stop();
    // Another instance id: another agent on the same podman, without that manifest.
    host.config.paths.state_dir = host.root / "other";
    host.erase("clock.yaml");
    host.podman->clear_journal();
    host.start();
    EXPECT_EQ(host.ids(), ids);
    EXPECT_EQ(host.podman->mutations(), std::vector<std::string>{});
    host.write("clock.yaml", to_text(SingleApp{}));
    host.pass();
    EXPECT_EQ(host.ids(), ids);
    EXPECT_TRUE(host.has_condition("clock", "Conflict"));
}

TEST(StateFile, NoSecretIsInTheDatabaseAndNoFileIsForOthersToRead) {
    Host host;
    host.write("shop.yaml", to_text(ShopApp{}));
    host.start();
    host.write("shop.yaml", to_text(ShopApp{.port = 28081}));
    host.pass();
    host.stop();
    for (const auto& entry : fs::recursive_directory_iterator(host.config.paths.state_dir)) {
        struct stat info {};

        ASSERT_EQ(::stat(entry.path().c_str(), &info), 0);
        EXPECT_EQ(info.st_mode & 077U, 0U) << entry.path();
        if (entry.path().filename().string().starts_with("state.db")) {
            EXPECT_EQ(slurp(entry.path()).find("not-for-logs"), std::string::npos) << entry.path();
        }
    }
}

}  // namespace
}  // namespace podreeve::integration
