#include <fstream>
#include <sys/stat.h>
#include <thread>

#include <gtest/gtest.h>

#include "tests/unit/handlers/scenarios.h"

// What the kinds of companions have to hold beside what all have to: systemd goes away at any call.
namespace podreeve::handlers::testing {
namespace {

using nlohmann::json;
using plan::StepKind;
namespace fs = std::filesystem;

constexpr const char* kUnit = "proxy.container";
constexpr const char* kService = "proxy.service";

json install_details() {
    return {{"folder", "web"}, {"generation", 2}, {"own_drop_in", ""}};
}

std::string text_of(const Bench& bench, const std::string& name) {
    std::ifstream in(bench.directory / "quadlet/web" / name);
    return std::string(std::istreambuf_iterator<char>(in), {});
}

TEST(UnitKinds, HealWhenTheBusGoesAtAnyCall) {
    for (const Scenario& scenario : scenarios()) {
        Bench clean;
        scenario.given(clean);
        clean.units.clear_journal();
        StoredTask whole = scenario.step(clean);
        ASSERT_EQ(clean.run(whole), "") << scenario.name;
        for (const std::string& call : clean.units.journal()) {
            for (const auto cut : {FakeUnits::Cut::BeforeWork, FakeUnits::Cut::BeforeReply}) {
                Bench bench;
                scenario.given(bench);
                StoredTask task = scenario.step(bench);
                bench.units.cut_next(call, cut);
                EXPECT_EQ(bench.run(task), "") << scenario.name << " " << call;
                EXPECT_EQ(bench.snapshot(), clean.snapshot()) << scenario.name << " " << call;
            }
        }
    }
}

TEST(UnitKinds, InstallWritesNothingThatIsThereAlready) {
    Bench bench;
    bench.must(StepKind::InstallUnit, kUnit, kUnit, install_details());
    const auto written = fs::last_write_time(bench.directory / "quadlet/web" / kUnit);
    const auto inode = fs::hard_link_count(bench.directory / "quadlet/web" / kUnit);
    bench.must(StepKind::InstallUnit, kUnit, kUnit, install_details());
    EXPECT_EQ(fs::last_write_time(bench.directory / "quadlet/web" / kUnit), written);
    EXPECT_EQ(fs::hard_link_count(bench.directory / "quadlet/web" / kUnit), inode);
    EXPECT_NE(text_of(bench, kUnit).find("[X-Podreeve]\nApp=web\nGeneration=2\n"),
              std::string::npos)
        << text_of(bench, kUnit);
    EXPECT_NE(text_of(bench, "proxy.container.d/10-memory.conf").find("Memory=64m"),
              std::string::npos);
}

std::int64_t time_of(const Bench& bench, const std::string& name) {
    const auto at = fs::last_write_time(bench.directory / "quadlet/web" / name);
    const auto wall = std::chrono::file_clock::to_sys(at).time_since_epoch();
    return std::chrono::duration_cast<std::chrono::nanoseconds>(wall).count();
}

TEST(UnitKinds, InstallGivesTheFilesTheTimeThatWasAskedFor) {
    Bench bench;
    json details = install_details();
    details["since"] = 1'700'000'000'123'456'789;
    bench.must(StepKind::InstallUnit, kUnit, kUnit, details);
    EXPECT_EQ(time_of(bench, kUnit), 1'700'000'000'123'456'789);

    // A kill between the writing and the giving leaves the time of the writing.
    fs::last_write_time(bench.directory / "quadlet/web" / kUnit, fs::file_time_type::clock::now());
    bench.must(StepKind::InstallUnit, kUnit, kUnit, details);
    EXPECT_EQ(time_of(bench, kUnit), 1'700'000'000'123'456'789);
}

TEST(UnitKinds, InstallTakesAwayDropInsOfItsOwnAndLeavesThoseOfOthers) {
    Bench bench;
    json details = install_details();
    details["own_drop_in"] = "[Unit]\nAfter=lan.service\n";
    bench.must(StepKind::InstallUnit, kUnit, kUnit, details);
    std::ofstream(bench.directory / "quadlet/web/proxy.container.d/50-mine.conf") << "[Unit]\n";
    EXPECT_NE(text_of(bench, "proxy.container.d/90-podreeve.conf"), "");
    bench.must(StepKind::InstallUnit, kUnit, kUnit, install_details());
    EXPECT_EQ(text_of(bench, "proxy.container.d/90-podreeve.conf"), "");
    EXPECT_EQ(text_of(bench, "proxy.container.d/50-mine.conf"), "[Unit]\n");
}

TEST(UnitKinds, StartTellsWhySystemdWouldNot) {
    Bench bench;
    bench.units[kService].refuses = true;
    StoredTask task = bench.task(StepKind::StartUnit, kUnit, kService, json::object());
    EXPECT_EQ(bench.run(task), "cannot start proxy.service");
}

TEST(UnitKinds, ANewVersionThatIsTakenBackRunsTheFormerOneAgain) {
    Bench bench;
    bench.must(StepKind::InstallUnit, kUnit, kUnit, install_details());
    std::ofstream(bench.directory / "quadlet/web" / kUnit, std::ios::app) << "# the former one\n";
    const std::string former = text_of(bench, kUnit);
    bench.units[kService] = {"active", 1, false};
    StoredTask note =
        bench.task(StepKind::NoteUnits, "", "web", {{"services", {kService, "other.service"}}});
    StoredTask install = bench.task(StepKind::InstallUnit, kUnit, kUnit, install_details());
    StoredTask reload = bench.task(StepKind::ReloadUnits, "", "web", {{"reloads", 0}});
    StoredTask restart = bench.task(StepKind::RestartUnit, kUnit, kService, json::object());
    for (StoredTask* task : {&note, &install, &reload}) {
        ASSERT_EQ(bench.run(*task), "");
    }
    bench.units[kService].refuses = true;
    EXPECT_NE(bench.run(restart), "");
    bench.units[kService].refuses = false;
    bench.units.clear_journal();
    EXPECT_EQ(bench.undo(install), "");
    EXPECT_EQ(bench.undo(note), "");
    EXPECT_EQ(text_of(bench, kUnit), former);
    EXPECT_EQ(bench.units[kService].active, "active");
    EXPECT_EQ(bench.units["other.service"].active, "inactive");
    EXPECT_EQ(bench.units.journal(),
              (std::vector<std::string>{"reload", "reset proxy.service", "start proxy.service"}));
}

TEST(UnitKinds, AChangeOfAHundredTextsPutsAllOfThemBack) {
    Bench bench;
    bench.must(StepKind::InstallUnit, kUnit, kUnit, install_details());
    std::vector<std::string> former;
    std::vector<std::unique_ptr<StoredTask>> tasks;
    for (int i = 0; i < 100; ++i) {
        std::ofstream(bench.directory / "quadlet/web" / kUnit, std::ios::app) << "# " << i << "\n";
        former.push_back(text_of(bench, kUnit));
        tasks.emplace_back(
            new StoredTask(bench.task(StepKind::InstallUnit, kUnit, kUnit, install_details())));
        ASSERT_EQ(bench.run(*tasks.back()), "");
        ASSERT_NE(text_of(bench, kUnit), former.back());
    }
    while (!tasks.empty()) {
        ASSERT_EQ(bench.undo(*tasks.back()), "");
        EXPECT_EQ(text_of(bench, kUnit), former.back());
        tasks.pop_back();
        former.pop_back();
    }
}

TEST(UnitKinds, AFileThatIsPutBackHasItsTimeUnlessSomethingMayRunAnother) {
    constexpr std::int64_t kThen = 1'600'000'000'123'456'789;  // long before the bench's own time
    Bench bench;
    json details = install_details();
    details["since"] = kThen;
    bench.must(StepKind::InstallUnit, kUnit, kUnit, details);
    bench.units[kService] = {"active", 1, false};
    StoredTask note = bench.task(StepKind::NoteUnits, "", "web", {{"services", {kService}}});
    details = install_details();
    details["generation"] = 3;
    StoredTask install = bench.task(StepKind::InstallUnit, kUnit, kUnit, details);
    ASSERT_EQ(bench.run(note), "");
    ASSERT_EQ(bench.run(install), "");
    bench.units[kService].starts = 2;  // with the new text
    EXPECT_EQ(bench.undo(install), "");
    bench.units.cut_next("restart proxy.service", FakeUnits::Cut::BeforeWork);
    EXPECT_FALSE(std::holds_alternative<state::TaskDone>(bench.undo_once(note)));
    EXPECT_NE(time_of(bench, kUnit), kThen);
    EXPECT_EQ(bench.undo(note), "");
    EXPECT_EQ(time_of(bench, kUnit), kThen);
    EXPECT_EQ(bench.units[kService].starts, 3U);
}

TEST(UnitKinds, ARestartDoesNotPayForTheStartsBefore) {
    Bench bench;
    bench.units[kService] = {"active", 1, false, true};
    bench.must(StepKind::RestartUnit, kUnit, kService, json::object());
    EXPECT_EQ(bench.units[kService].active, "active");
    EXPECT_EQ(bench.units.journal(),
              (std::vector<std::string>{"restart proxy.service", "reset proxy.service",
                                        "start proxy.service"}));
}

TEST(UnitKinds, ALeftoverOfAUnitThatRunsIsLeft) {
    Bench bench;
    bench.units[kService] = {"active", 1, false};
    StoredTask task = bench.task(StepKind::RemoveLeftover, kUnit, kService, json::object());
    EXPECT_EQ(bench.run(task), "cannot remove the container of proxy.service: the unit is active");
}

TEST(UnitKinds, ALeftoverIsToldByItsNameAndItsLabelTogether) {
    Bench bench;
    bench.units[kService] = {"inactive", 1, false};
    const auto add = [&](const char* name, const char* service) {
        bench.podman->create_behind_back({{"name", name},
                                          {"image", "localhost/busybox:latest"},
                                          {"labels", {{observe::kLabelSystemdUnit, service}}}});
    };
    add("systemd-proxy", kService);
    add("mine", kService);
    add("systemd-other", "other.service");
    StoredTask task =
        bench.task(StepKind::RemoveLeftover, kUnit, kService, {{"container", "systemd-proxy"}});
    EXPECT_EQ(bench.run(task), "");
    EXPECT_EQ(bench.podman->container_names(), (std::vector<std::string>{"mine", "systemd-other"}));
    ASSERT_EQ(task.lines.size(), 1U);
    EXPECT_NE(task.lines[0].find("container mine says that it is of proxy.service"),
              std::string::npos);
    StoredTask nameless = bench.task(StepKind::RemoveLeftover, kUnit, kService, json::object());
    EXPECT_EQ(bench.run(nameless), "");
    EXPECT_EQ(bench.podman->container_names().size(), 2U);
}

TEST(UnitKinds, AFailedUnitWithoutAFileIsForgotten) {
    Bench bench;
    bench.units[kService].active = "failed";
    bench.must(StepKind::RemoveLeftover, kUnit, kService, json::object());
    EXPECT_EQ(bench.units[kService].active, "inactive");
}

TEST(UnitKinds, InstallMakesFoldersThatOnlyTheirOwnerMayWriteTo) {
    const mode_t before = ::umask(0002);
    Bench bench;
    bench.must(StepKind::InstallUnit, kUnit, kUnit, install_details());
    ::umask(before);
    for (const char* folder : {"quadlet/web", "quadlet/web/proxy.container.d"}) {
        EXPECT_EQ(fs::status(bench.directory / folder).permissions(), fs::perms{0755}) << folder;
    }
}

// It would not be there the next time either; who waited for it would never tell.
TEST(UnitKinds, InstallWhoseFolderCannotBeMadeEndsAtOnceAndSaysWhy) {
    Bench bench;
    fs::remove_all(bench.directory / "quadlet");
    std::ofstream(bench.directory / "quadlet") << "a file in its place";
    StoredTask task = bench.task(StepKind::InstallUnit, kUnit, kUnit, install_details());
    const state::TaskOutcome outcome = bench.run_once(task);
    ASSERT_TRUE(std::holds_alternative<Error>(outcome));
    const std::string message = std::get<Error>(outcome).message;
    EXPECT_NE(message.find("cannot make the directory"), std::string::npos) << message;
    EXPECT_NE(message.find("Not a directory"), std::string::npos) << message;
}

TEST(ReloadGate, MakesOneReloadForAllWhoCome) {
    ReloadGate gate;
    int reloads = 0;
    const auto call = [&]() -> Status {
        ++reloads;
        return {};
    };
    ASSERT_TRUE(gate.reload(0, call));
    gate.touched();
    gate.touched();
    std::vector<std::thread> all;
    for (int i = 0; i < 8; ++i) {
        all.emplace_back([&] { EXPECT_TRUE(gate.reload(gate.count() - 1, call)); });
    }
    for (std::thread& one : all) {
        one.join();
    }
    EXPECT_EQ(reloads, 2);
    ASSERT_TRUE(gate.reload(gate.count(), call)) << "somebody else's edit";
    EXPECT_EQ(reloads, 3);
    gate.touched();
    EXPECT_FALSE(gate.reload(0, [] { return Status(fail(Code::Timeout, "cannot")); }));
    ASSERT_TRUE(gate.reload(0, call)) << "one that failed counts for nothing";
    EXPECT_EQ(reloads, 4);
}

}  // namespace
}  // namespace podreeve::handlers::testing
