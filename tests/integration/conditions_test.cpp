#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/integration/harness.h"
#include "tests/integration/manifest_texts.h"

// What an app waits for before it comes up, where others fail, stop or are only mended.
namespace podreeve::integration {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using supervise::Verb;

std::string on_path(const std::filesystem::path& path) {
    return "  conditions:\n    - path: " + path.string() + "\n";
}

TEST(Conditions, AProviderThatHasFailedByItsChangeIsFailed) {
    Host host;
    host.write("db.yaml", to_text(SingleApp{.id = "db", .image = "localhost/absent:1"}));
    host.write("mail.yaml",
               to_text(SingleApp{.id = "mail", .more = "  depends_on: [{app: db, is: failed}]\n"}));
    host.start();
    host.advance(minutes(1));
    EXPECT_EQ(host.state("mail"), "Running") << host.app("mail").message;
}

TEST(Conditions, OfWhatIsStoppedAreNotLookedAtAllTheTime) {
    Host host;
    const std::filesystem::path path = host.root / "ready";
    std::ofstream(path) << "x";
    host.write("clock.yaml", to_text(SingleApp{.more = on_path(path)}));
    host.start();
    host.request("clock", Verb::Stop);
    std::filesystem::remove(path);
    host.pass();
    const std::size_t passes = host.reports.size();
    host.advance(minutes(5));
    EXPECT_LE(host.reports.size(), passes + 11) << "a pass each half minute";
}

TEST(Conditions, OfWhatHasFinishedAreNotLookedAtAllTheTime) {
    Host host;
    const std::filesystem::path path = host.root / "ready";
    std::ofstream(path) << "x";
    host.podman->add_image("localhost/job:1");
    host.podman->set_program("localhost/job:1", program_that_exits(0));
    host.write("clock.yaml", to_text(SingleApp{.image = "localhost/job:1",
                                               .more = "  restart: on-failure\n" + on_path(path)}));
    host.start();
    host.advance(minutes(1));
    ASSERT_EQ(host.state("clock"), "Finished") << host.app("clock").message;
    std::filesystem::remove(path);
    host.pass();
    const std::size_t passes = host.reports.size();
    host.advance(minutes(5));
    EXPECT_LE(host.reports.size(), passes + 11) << "a pass each half minute";
}

TEST(Conditions, OfWhatIsSkippedAreNotLookedAtAllTheTime) {
    Host host;
    host.write("clock.yaml",
               to_text(SingleApp{.more = "  autostart: false\n" + on_path(host.root / "ready")}));
    host.start();
    ASSERT_EQ(host.state("clock"), "Skipped") << host.app("clock").message;
    const std::size_t passes = host.reports.size();
    host.advance(minutes(5));
    EXPECT_LE(host.reports.size(), passes + 11) << "a pass each half minute";
}

TEST(Conditions, OfWhatWaitsForAnotherAppAreNotLookedAtUntilThatIsUp) {
    Host host;
    const std::filesystem::path path = host.root / "ready";
    host.write("db.yaml", to_text(SingleApp{.id = "db", .more = "  autostart: false\n"}));
    host.write(
        "web.yaml",
        to_text(SingleApp{.id = "web", .more = "  depends_on: [{app: db}]\n" + on_path(path)}));
    host.start();
    ASSERT_EQ(host.state("web"), "Waiting") << host.app("web").message;
    std::size_t passes = host.reports.size();
    host.advance(minutes(5));
    EXPECT_LE(host.reports.size(), passes + 11) << "a pass each half minute";
    host.request("db", Verb::Start);
    passes = host.reports.size();
    host.advance(seconds(20));
    EXPECT_GE(host.reports.size(), passes + 15) << "now they alone hold it";
    std::ofstream(path) << "x";
    host.advance(seconds(2));
    host.converge();
    EXPECT_EQ(host.state("web"), "Running") << host.app("web").message;
}

TEST(Conditions, OfTheVersionInForceAreThoseThatCountWhileTheNewestFails) {
    Host host;
    const std::filesystem::path path = host.root / "ready";
    std::ofstream(path) << "x";
    host.write("clock.yaml", to_text(SingleApp{.more = on_path(path)}));
    host.start();
    host.advance(minutes(1));
    host.write("clock.yaml",
               to_text(SingleApp{.image = "localhost/absent:1", .more = on_path(host.root)}));
    host.pass();
    host.advance(minutes(10));
    ASSERT_TRUE(host.podman->kill_process("clock"));
    host.pass();
    EXPECT_EQ(host.podman->state_of("clock"), "running") << host.app("clock").message;
}

TEST(Conditions, DoNotHoldWhatIsOnlyMended) {
    Host host;
    const std::filesystem::path path = host.root / "ready";
    std::ofstream(path) << "x";
    host.write("duo.yaml",
               "apiVersion: v1\nkind: Pod\nmetadata:\n  name: duo\n  annotations:\n"
               "    podreeve.io/conditions: path=" +
                   path.string() +
                   "\nspec:\n  containers:\n"
                   "    - {name: one, image: localhost/busybox:latest, args: [serve]}\n"
                   "    - {name: two, image: localhost/busybox:latest, args: [serve]}\n");
    host.start();
    host.advance(minutes(1));
    ASSERT_EQ(host.state("duo"), "Running") << host.app("duo").message;
    std::filesystem::remove(path);
    ASSERT_TRUE(host.podman->kill_process("duo-one"));
    host.pass();
    host.advance(seconds(5));
    EXPECT_EQ(host.state("duo"), "Running") << host.app("duo").message;
}

TEST(Outages, TellNothingOfWhatIsLeftOver) {
    Host host;
    host.write("clock.yaml", to_text(SingleApp{}));
    host.start();
    host.podman->fail_next("DELETE", "containers/", 500, "in use", 1000);
    host.erase("clock.yaml");
    host.pass();
    ASSERT_NE(host.podman->state_of("clock"), "");
    host.podman->refuse(true);
    host.pass();
    EXPECT_EQ(host.state("clock"), "Unknown");
    for (const std::string& state : host.story("clock")) {
        EXPECT_NE(state, "Removed");
    }
}

TEST(Wishes, AStopOfWhatIsPreparedIsNoFailure) {
    Host host;
    host.podman->add_to_registry("localhost/slow:1");
    host.podman->hang_next("POST", "images/pull");
    host.write("clock.yaml", to_text(SingleApp{.image = "localhost/slow:1"}));
    auto made = host.make_agent();
    ASSERT_TRUE(made);
    host.agent = std::move(*made);
    host.agent->start();
    while (host.podman->hung() == 0) {
        host.turns.run();
    }
    host.request("clock", Verb::Stop);
    host.request("clock", Verb::Start);
    EXPECT_EQ(host.state("clock"), "Running") << host.app("clock").message;
    EXPECT_FALSE(host.has_condition("clock", "DeployFailed"));
}

}  // namespace
}  // namespace podreeve::integration
