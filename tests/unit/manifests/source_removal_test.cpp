#include <algorithm>

#include "manifests/removal_guard.h"
#include "tests/unit/manifests/source_fixture.h"

namespace podreeve::manifests {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST_F(Removal, AFileIsGoneByTwoLooksTwoSecondsApart) {
    write_apps({"db", "web"});
    remove("a/web.yaml");
    EXPECT_EQ(apps(), (Words{"db", "web"}));
    EXPECT_EQ(desired_.look_again, looks_->now + seconds(2));
    EXPECT_EQ(apps_later(milliseconds(1999)), (Words{"db", "web"}));
    EXPECT_EQ(held(), Words{});
    EXPECT_EQ(problems(), Words{});
    looks_->now += milliseconds(1);
    EXPECT_EQ(apps(), Words{"db"});
    EXPECT_EQ(desired_.look_again, std::nullopt);
}

TEST_F(Removal, AFileThatIsBackWasNeverAway) {
    write_apps({"db", "web"});
    for (int i = 0; i < 20; ++i) {
        remove("a/web.yaml");
        EXPECT_EQ(apps(), (Words{"db", "web"}));
        looks_->now += milliseconds(1500);
        write("a/web.yaml", app_text("web"));
        EXPECT_EQ(apps(), (Words{"db", "web"}));
        looks_->now += milliseconds(1500);
    }
}

// The looks fall where they may: a file is gone only when nothing else happened for two seconds.
TEST_F(Removal, NoOrderOfLooksAndReplacementsTakesAnAppDown) {
    write_apps({"db", "web"});
    // Look, unlink, create, rename in from elsewhere; what makes and removes in its own order.
    std::string acts = "lllucru";
    std::sort(acts.begin(), acts.end());
    int orders = 0;
    do {
        bool there = true, sound = true;
        for (const char act : acts) {
            sound = sound && (act == 'l' || there == (act == 'u'));
            there = act == 'l' ? there : act != 'u';
        }
        if (!sound) {
            continue;
        }
        ++orders;
        looks_->now += minutes(1);
        write("a/web.yaml", app_text("web"));
        ASSERT_EQ(apps(), (Words{"db", "web"}));
        for (const char act : acts) {
            looks_->now += milliseconds(900);
            if (act == 'u') {
                remove("a/web.yaml");
            } else if (act == 'c') {
                write("a/web.yaml", app_text("web"));
            } else if (act == 'r') {
                write("web.fresh", app_text("web"));
                fs::rename(root_ / "web.fresh", root_ / "a/web.yaml");
            } else {
                EXPECT_EQ(apps(), (Words{"db", "web"})) << acts;
                continue;
            }
            // So that what is made and removed in one tick of the file system's clock shows.
            fs::last_write_time(root_ / "a",
                                fs::file_time_type::clock::now() + looks_->now.time_since_epoch());
        }
    } while (std::next_permutation(acts.begin(), acts.end()));
    EXPECT_GT(orders, 20);
}

// Whether the look is a moment before or after, less than two seconds are never enough, and no
// look alone is, however late it comes.
TEST_F(Removal, OneLookIsNeverEnough) {
    write_apps({"db", "web"});
    for (const milliseconds between : {milliseconds(0), milliseconds(1), milliseconds(1999)}) {
        remove("a/web.yaml");
        looks_->now += minutes(10);
        EXPECT_EQ(apps(), (Words{"db", "web"}));
        looks_->now += between;
        EXPECT_EQ(apps(), (Words{"db", "web"})) << between.count();
        write("a/web.yaml", app_text("web"));
        EXPECT_EQ(apps(), (Words{"db", "web"}));
    }
    remove("a/web.yaml");
    EXPECT_EQ(apps_later(), Words{"db"});
}

TEST_F(Removal, ADropInIsGoneByTwoLooks) {
    write("a/web.yaml", app_text("web"));
    write("a/web.yaml.d/10-image.yaml", "app: {container: {image: 'a:2'}}");
    EXPECT_EQ(names(), Words{"web=a:2"});
    remove("a/web.yaml.d");
    EXPECT_EQ(names(), Words{"web=a:2"});
    EXPECT_EQ(problems(), Words{});
    EXPECT_EQ(names_later(), Words{"web=a:1"});
}

TEST_F(Removal, ADirectoryThatIsGoneSaysNothingUntilItIsBack) {
    write_apps({"web"});
    fs::rename(root_ / "a", root_ / "away");
    EXPECT_EQ(apps_later(minutes(20)), Words{"web"});
    EXPECT_EQ(problems(), Words{"|a: is not there any more"});
    EXPECT_NE(desired_.held.at("web").message.find((root_ / "a").string()), std::string::npos);
    EXPECT_NE(desired_.held.at("web").message.find("podreeve prune"), std::string::npos);
    open();  // nor to the next run
    EXPECT_EQ(apps_later(minutes(20)), Words{"web"});
    EXPECT_EQ(held(), Words{"web DirectoryOutOfSight"});
    fs::rename(root_ / "away", root_ / "a");
    EXPECT_EQ(apps_later(), Words{"web"});
    EXPECT_EQ(held(), Words{});
    EXPECT_EQ(problems(), Words{});
}

TEST_F(Removal, AnEmptyDirectoryInItsPlaceSaysNothing) {
    write_apps({"web"});
    fs::rename(root_ / "a", root_ / "away");
    fs::create_directory(root_ / "a");
    EXPECT_EQ(apps_later(minutes(20)), Words{"web"});
    write("a/db.yaml", app_text("db"));
    EXPECT_EQ(apps_later(minutes(20)), (Words{"db", "web"}));
    EXPECT_EQ(held(), Words{"web DirectoryOutOfSight"});
}

TEST_F(Removal, AnotherDirectoryWithOneOfItsManifestsIsBelieved) {
    write_apps({"db", "web"});
    fs::rename(root_ / "a", root_ / "first");
    fs::create_directory(root_ / "second");
    write("second/web.yaml", app_text("web", "a:2"));
    fs::create_directory_symlink(root_ / "first", root_ / "a");
    names();
    fs::remove(root_ / "a");
    fs::create_directory_symlink(root_ / "nowhere", root_ / "a");
    EXPECT_EQ(names_later(seconds(5)), (Words{"db=a:1", "web=a:1"}));
    fs::remove(root_ / "a");
    fs::create_directory_symlink(root_ / "second", root_ / "a");
    EXPECT_EQ(names(), (Words{"db=a:1", "web=a:2"}));
    EXPECT_EQ(names_later(), Words{"web=a:2"});
    EXPECT_EQ(problems(), Words{});
}

TEST_F(Removal, AfterABootADirectoryIsKnownByItsManifests) {
    write_apps({"db", "web"});
    boot_ = "boot-2";
    remove("a/web.yaml");
    open();
    EXPECT_EQ(apps_later(), Words{"db"});
    boot_ = "boot-3";
    remove("a/db.yaml");  // nothing tells it from an empty mount point
    open();
    EXPECT_EQ(apps_later(), Words{"db"});
    EXPECT_EQ(held(), Words{"db DirectoryOutOfSight"});
}

TEST_F(Removal, WhatABootEmptiesIsNewAfterIt) {
    fs::create_directories(root_ / "run/apps");
    const auto open_there = [&] {
        source_ = std::make_unique<ManifestSource>(SourceConfig{.directories = {root_ / "run/apps"},
                                                                .accepted_dir = root_ / "accepted",
                                                                .owner = ::getuid(),
                                                                .clock = nullptr,
                                                                .looks = looks_,
                                                                .boot_id = boot_,
                                                                .volatile_below = root_ / "run"});
    };
    open_there();
    write("run/apps/web.yaml", app_text("web"));
    names();
    fs::remove_all(root_ / "run");
    open_there();
    EXPECT_EQ(apps_later(), Words{"web"});
    boot_ = "boot-2";
    open_there();
    EXPECT_EQ(apps_later(), Words{});
}

TEST_F(Removal, AnEmptiedFileIsAnErrorOfItsApp) {
    write_apps({"web"});
    for (const char* text : {"", "# nothing\n", "\n\n", "---\n"}) {
        write("a/web.yaml", text);
        EXPECT_EQ(apps_later(), Words{"web"}) << text;
        ASSERT_EQ(desired_.problems.size(), 1U) << text;
        EXPECT_EQ(desired_.problems[0].app, "web");
        open();
    }
}

TEST_F(Removal, ARenamedFileIsTheSameApp) {
    write_apps({"db", "web"});
    fs::rename(root_ / "a/web.yaml", root_ / "a/shop.yaml");
    EXPECT_EQ(apps(), (Words{"db", "web"}));
    EXPECT_EQ(problems(), Words{});
    EXPECT_EQ(desired_.apps.at("web")->file, (root_ / "a/shop.yaml").string());
    EXPECT_EQ(apps_later(), (Words{"db", "web"}));
    write("a/shop.yaml", "");
    open();
    EXPECT_EQ(apps_later(), (Words{"db", "web"}));
    EXPECT_EQ(desired_.problems.at(0).app, "web");
}

TEST_F(Removal, ACopyIsNotTakenForAFileThatIsAwayForAMoment) {
    write_apps({"web"});
    write("a/other.yaml", app_text("web", "a:9"));
    names();
    remove("a/web.yaml");
    EXPECT_EQ(names(), Words{"web=a:1"});
    write("a/web.yaml", app_text("web"));
    EXPECT_EQ(names(), Words{"web=a:1"});
    remove("a/web.yaml");
    EXPECT_EQ(names_later(), Words{"web=a:9"});
}

// A moment in which one file is not there and the other says what that one said.
TEST_F(Removal, TwoManifestsThatSwapTheirNamesStopNothing) {
    write_apps({"db", "web"});
    fs::rename(root_ / "a/db.yaml", root_ / "aside");
    EXPECT_EQ(apps(), (Words{"db", "web"}));
    fs::rename(root_ / "a/web.yaml", root_ / "a/db.yaml");
    EXPECT_EQ(apps(), (Words{"db", "web"}));
    EXPECT_EQ(apps(), (Words{"db", "web"})) << "nor at another look";
    fs::rename(root_ / "aside", root_ / "a/web.yaml");
    EXPECT_EQ(apps(), (Words{"db", "web"}));
    EXPECT_EQ(desired_.apps.at("db")->file, (root_ / "a/web.yaml").string());
    EXPECT_EQ(problems(), Words{});
    EXPECT_EQ(apps_later(), (Words{"db", "web"}));
    open();
    EXPECT_EQ(apps_later(), (Words{"db", "web"}));
    EXPECT_EQ(problems(), Words{});
}

TEST_F(Removal, AManifestMovedOverAnotherIsTheOthersEnd) {
    write_apps({"db", "web"});
    fs::rename(root_ / "a/web.yaml", root_ / "a/db.yaml");
    EXPECT_EQ(apps_later(), Words{"web"});
    EXPECT_EQ(problems(), Words{});
}

// Nobody said that the app whose manifest was written over is not wanted any more.
TEST_F(Removal, AnAppOverWhoseManifestAnothersWasCopiedIsHeldUntilItHasOneAgain) {
    write_apps({"db", "web"});
    fs::copy_file(root_ / "a/web.yaml", root_ / "a/db.yaml", fs::copy_options::overwrite_existing);
    EXPECT_EQ(apps_later(), (Words{"db", "web"}));
    EXPECT_EQ(held(), Words{"db ManifestReplaced"});
    EXPECT_NE(desired_.held.at("db").message.find("db.yaml is about app web now"),
              std::string::npos)
        << desired_.held.at("db").message;
    remove("a/web.yaml");
    EXPECT_EQ(apps_later(minutes(20)), (Words{"db", "web"}));
    EXPECT_EQ(held(), Words{"db ManifestReplaced"});
    open();
    EXPECT_EQ(apps_later(), (Words{"db", "web"})) << "also over a restart";
    EXPECT_EQ(held(), Words{"db ManifestReplaced"});
    write("a/data.yaml", app_text("db"));
    EXPECT_EQ(apps_later(), (Words{"db", "web"}));
    EXPECT_EQ(held(), Words{});
    remove("a/data.yaml");
    EXPECT_EQ(apps_later(), Words{"web"}) << "and then it is removed as any other";
}

TEST_F(Removal, APersonLetsAnAppGoOverWhoseManifestAnothersWasCopied) {
    write_apps({"db", "web"});
    fs::copy_file(root_ / "a/web.yaml", root_ / "a/db.yaml", fs::copy_options::overwrite_existing);
    EXPECT_EQ(apps_later(), (Words{"db", "web"}));
    source_->allow_removal({"db"});
    EXPECT_EQ(apps_later(), Words{"web"});
    EXPECT_EQ(held(), Words{});
    open();
    EXPECT_EQ(apps_later(), Words{"web"});
}

// Its manifest could have been moved there.
TEST_F(Removal, NothingGoesWhileADirectoryIsOutOfSight) {
    write("b/db.yaml", app_text("db"));
    write_apps({"web"});
    fs::rename(root_ / "b", root_ / "away");
    remove("a/web.yaml");
    EXPECT_EQ(apps_later(minutes(20)), (Words{"db", "web"}));
    EXPECT_EQ(held(), (Words{"db DirectoryOutOfSight", "web DirectoryOutOfSight"}));
    EXPECT_NE(desired_.held.at("web").message.find((root_ / "b").string()), std::string::npos);
    open();
    EXPECT_EQ(apps_later(), (Words{"db", "web"}));
    fs::rename(root_ / "away", root_ / "b");
    EXPECT_EQ(apps_later(), Words{"db"});
}

TEST_F(Removal, WhatAPersonAllowsWaitsForNoDirectory) {
    write_apps({"db", "web"});
    fs::rename(root_ / "a", root_ / "away");
    std::ofstream(root_ / "a") << "not a directory";
    EXPECT_EQ(apps_later(), (Words{"db", "web"}));
    source_->allow_removal({"web"});
    for (int run = 0; run < 2; ++run) {
        EXPECT_EQ(apps_later(), Words{"db"});
        EXPECT_FALSE(desired_.complete);
        EXPECT_EQ(desired_.let_go, std::set<std::string>{"web"});
        open();
    }
    fs::remove(root_ / "a");
    fs::rename(root_ / "away", root_ / "a");
    EXPECT_EQ(apps_later(), (Words{"db", "web"})) << "its manifest asks for it";
    EXPECT_EQ(desired_.let_go, std::set<std::string>{});
}

TEST_F(Removal, OneThatIsHeldStaysSoWhenItsLastVersionIsLost) {
    write_apps({"a1", "a2", "a3"});
    const std::string hash = spec_hash(*desired_.apps.at("a1"));
    for (const char* app : {"a1", "a2", "a3"}) {
        remove(std::string("a/") + app + ".yaml");
    }
    EXPECT_EQ(apps_later(), (Words{"a1", "a2", "a3"}));
    EXPECT_EQ(held(), (Words{"a1 ManyRemovals", "a2 ManyRemovals", "a3 ManyRemovals"}));
    std::ofstream(root_ / "accepted/a1" / (hash + ".json")) << "{";
    open();
    for (const char* another : {"b1", "b2", "b3"}) {
        write(std::string("a/") + another + ".yaml", app_text(another));
        apps_later();
        EXPECT_TRUE(desired_.apps.contains("a2"));
        ASSERT_EQ(desired_.problems.size(), 1U);
        EXPECT_EQ(desired_.problems[0].app, "a1");
    }
    write("a/a1.yaml", app_text("a1"));
    EXPECT_TRUE((apps(), desired_.apps.contains("a1")));
    EXPECT_EQ(problems(), Words{});
}

// Nobody knows then where its manifest was, nor whether that place is to be seen.
TEST_F(Removal, AnAppWhoseKeptVersionIsGarbageStaysWhenItsManifestIsOutOfSight) {
    write_apps({"web"});
    const std::string hash = spec_hash(*desired_.apps.at("web"));
    std::ofstream(root_ / "accepted/web" / (hash + ".json")) << "{";
    fs::rename(root_ / "a", root_ / "away");
    fs::create_directory(root_ / "a");
    open();
    apps_later(minutes(20));
    ASSERT_EQ(desired_.problems.size(), 1U);
    EXPECT_EQ(desired_.problems[0].app, "web") << "what runs of it is left";
    remove("a");
    fs::rename(root_ / "away", root_ / "a");
    EXPECT_EQ(apps_later(), Words{"web"});
    EXPECT_EQ(problems(), Words{});
}

TEST_F(Removal, AFolderWithoutAVersionIsNoMemoryOfAnApp) {
    write_apps({"web"});
    fs::create_directory(root_ / "accepted/half");
    write("a/db.yaml", app_text("db"));
    apps();
    EXPECT_FALSE(desired_.remembered->contains("half"));
    EXPECT_TRUE(desired_.remembered->contains("web"));
}

TEST_F(Removal, WhatWasHeldStaysSoWhenTheNoteOfItCannotBeRead) {
    write_apps({"a1", "a2", "a3"});
    for (const char* app : {"a1", "a2", "a3"}) {
        remove(std::string("a/") + app + ".yaml");
    }
    ASSERT_EQ(apps_later(), (Words{"a1", "a2", "a3"}));
    for (const char* another : {"b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8"}) {
        write(std::string("a/") + another + ".yaml", app_text(another));
    }
    apps_later();
    std::ofstream(root_ / "accepted/seen.json", std::ios::trunc) << "{\"held\": [\"a1";
    open();
    apps_later(minutes(20));
    EXPECT_EQ(held(), (Words{"a1 ManyRemovals", "a2 ManyRemovals", "a3 ManyRemovals"}));
}

TEST_F(Removal, AMovedFileIsLookedForWhereItIsNow) {
    write_apps({"db", "web"});
    fs::rename(root_ / "a/web.yaml", root_ / "b/web.yaml");
    EXPECT_EQ(apps_later(), (Words{"db", "web"}));
    fs::rename(root_ / "b", root_ / "away");
    open();
    EXPECT_EQ(apps_later(minutes(20)), (Words{"db", "web"}));
    EXPECT_EQ(held(), Words{"web DirectoryOutOfSight"});
}

TEST_F(Removal, ADirectoryThatIsNoLongerConfiguredTakesNoAppWithIt) {
    write_apps({"db"});
    write("b/web.yaml", app_text("web"));
    names();
    directories_ = {root_ / "a", root_ / "bb"};  // mistyped
    open();
    EXPECT_EQ(apps_later(minutes(20)), (Words{"db", "web"}));
    EXPECT_EQ(held(), Words{"web DirectoryNotConfigured"});
    EXPECT_NE(desired_.held.at("web").message.find((root_ / "b").string()), std::string::npos);
    open();
    EXPECT_EQ(apps_later(), (Words{"db", "web"})) << "over a restart";
    source_->allow_removal({"web"});
    EXPECT_EQ(apps_later(), Words{"db"});
}

TEST_F(Removal, AnAppWhoseManifestWasMovedToAConfiguredDirectoryIsThere) {
    write_apps({"web"});
    fs::create_directory(root_ / "new");
    fs::rename(root_ / "a/web.yaml", root_ / "new/web.yaml");
    directories_ = {root_ / "new"};
    open();
    EXPECT_EQ(apps_later(), Words{"web"});
    EXPECT_EQ(held(), Words{});
    remove("new/web.yaml");
    EXPECT_EQ(apps_later(), Words{}) << "it is gone from where it was last";
}

// An app keeps its versions until nothing is left of it; without them nobody knows what it was.
TEST_F(Removal, AnAppIsRememberedUntilItsVersionsAreForgotten) {
    names();
    EXPECT_EQ(desired_.remembered, std::set<std::string>{});
    write_apps({"web"});
    EXPECT_EQ((names(), desired_.remembered), std::set<std::string>{"web"});
    remove("a/web.yaml");
    EXPECT_EQ(apps_later(), Words{});
    open();
    EXPECT_EQ((names(), desired_.remembered), std::set<std::string>{"web"}) << "it may run on";
    source_->forget_accepted("web", {});
    write("a/db.yaml", app_text("db"));
    EXPECT_EQ((names(), desired_.remembered), std::set<std::string>{"db"});
}

TEST_F(Removal, AppsOfADirectoryThatIsNotConfiguredWeighInNoCount) {
    for (const char* app : {"b1", "b2", "b3", "b4"}) {
        write(std::string("b/") + app + ".yaml", app_text(app));
    }
    write_apps({"a1", "a2", "a3"});
    directories_ = {root_ / "a"};
    open();
    names();
    for (const char* app : {"a1", "a2", "a3"}) {
        remove(std::string("a/") + app + ".yaml");
    }
    apps_later();
    EXPECT_EQ(held(), (Words{"a1 ManyRemovals", "a2 ManyRemovals", "a3 ManyRemovals",
                             "b1 DirectoryNotConfigured", "b2 DirectoryNotConfigured",
                             "b3 DirectoryNotConfigured", "b4 DirectoryNotConfigured"}));
}

TEST_F(Removal, OneHeldForTheNumberIsSoAlsoWhileItsDirectoryIsNotConfigured) {
    write_apps({"a1", "a2", "a3"});
    for (const char* app : {"a1", "a2", "a3"}) {
        remove(std::string("a/") + app + ".yaml");
    }
    apps_later();
    const auto all = directories_;
    for (const auto& directories : {std::vector<fs::path>{root_ / "b"}, all}) {
        directories_ = directories;
        open();
        EXPECT_EQ(apps_later(), (Words{"a1", "a2", "a3"}));
        EXPECT_EQ(held(), (Words{"a1 ManyRemovals", "a2 ManyRemovals", "a3 ManyRemovals"}));
    }
}

// A stricter release may refuse what an earlier one accepted.
TEST_F(Removal, AVersionThatCannotBeReadAnyMoreHoldsItsAppToo) {
    write("b/web.yaml", app_text("web"));
    names();
    const std::string kept =
        root_ / "accepted/web" / (spec_hash(*desired_.apps.at("web")) + ".json");
    std::stringstream text;
    text << std::ifstream(kept).rdbuf();
    std::string worse = text.str();
    worse.replace(worse.find("name: x"), 7, "nome: x");
    std::ofstream(kept) << worse;
    directories_ = {root_ / "a"};
    open();
    apps_later();
    ASSERT_EQ(desired_.problems.size(), 1U);
    EXPECT_EQ(desired_.problems[0].app, "web") << "what runs of it is left";
}

// As after a scan that did not come to its end.
TEST(Guard, CountsWhatItLetGoOnce) {
    RemovalGuard guard;
    const std::set<std::string> wanted{"a", "b"}, there{"c", "d", "e"}, none{};
    for (int look = 0; look < 3; ++look) {
        EXPECT_TRUE(guard.evaluate({wanted, there, none, 5, false, SteadyTime{}}).empty()) << look;
    }
    const std::set<std::string> one_more{"c"}, left{"d", "e"};
    EXPECT_EQ(guard.evaluate({one_more, left, none, 3, false, SteadyTime{}}), one_more);
}

TEST_F(Removal, OneOrTwoGoAtOnceAndManyAreHeld) {
    write_apps({"a1", "a2", "a3", "a4", "a5"});
    remove("a/a1.yaml");
    remove("a/a2.yaml");
    EXPECT_EQ(apps_later(), (Words{"a3", "a4", "a5"}));
    looks_->now += minutes(2);
    remove("a/a3.yaml");  // three of five
    EXPECT_EQ(apps_later(), (Words{"a3", "a4", "a5"}));
    EXPECT_EQ(held(), Words{"a3 ManyRemovals"});
    looks_->now += minutes(60);
    EXPECT_EQ(apps(), (Words{"a3", "a4", "a5"}));
    open();
    EXPECT_EQ(apps_later(), (Words{"a3", "a4", "a5"}));
    EXPECT_EQ(held(), Words{"a3 ManyRemovals"});
    write("a/a3.yaml", app_text("a3"));
    EXPECT_EQ(apps(), (Words{"a3", "a4", "a5"}));
    EXPECT_EQ(held(), Words{});
}

TEST_F(Removal, WhatAPersonAllowsGoes) {
    write_apps({"a1", "a2", "a3"});
    fs::remove_all(root_ / "a");
    fs::create_directory(root_ / "a");
    for (const char* app : {"a1", "a2", "a3"}) {
        EXPECT_TRUE((apps_later(), desired_.held.contains(app)));
    }
    source_->allow_removal({"a1", "a2"});
    EXPECT_EQ(apps(), Words{"a3"});
    source_->allow_removal({"a3"});
    EXPECT_EQ(apps(), Words{});
    EXPECT_EQ(problems(), Words{});
    EXPECT_TRUE(desired_.complete);
}

TEST_F(Removal, HalfOfTheAppsMayGo) {
    write_apps({"a1", "a2", "a3", "a4", "a5", "a6"});
    for (const char* app : {"a1", "a2", "a3"}) {
        remove(std::string("a/") + app + ".yaml");
    }
    EXPECT_EQ(apps_later(), (Words{"a4", "a5", "a6"}));
    looks_->now += minutes(11);
    remove("a/a4.yaml");
    EXPECT_EQ(apps_later(), (Words{"a5", "a6"}));
}

TEST_F(Removal, OnlyAFileThatCouldBeTheAppsHoldsIt) {
    write_apps({"db", "shop", "web"});
    fs::create_directory(root_ / "a/archive.yaml");
    write("a/web copy.yaml", "apiVersion: v1\nkind: Pod\n");
    write("a/other.yaml", "apiVersion: v1\nkind: Pod\nspec: 1\n");
    write("a/db.yaml", "app: [this is not");
    write("a/new.yaml", "");
    remove("a/shop.yaml");
    EXPECT_EQ(apps_later(), (Words{"db", "web"}));
    write("a/bad.yaml", "app: [this is not");
    remove("a/web.yaml");
    EXPECT_EQ(apps_later(minutes(20)), (Words{"db", "web"}));
    EXPECT_EQ(held(), Words{"web ManifestUnclear"});
    EXPECT_NE(desired_.held.at("web").message.find("bad.yaml"), std::string::npos);
    remove("a/bad.yaml");
    EXPECT_EQ(apps_later(), Words{"db"});
}

TEST_F(Removal, ALookThatFindsNothingNewWritesNothing) {
    write_apps({"db", "web"});
    const auto before = fs::last_write_time(root_ / "accepted");
    const auto seen = fs::last_write_time(root_ / "accepted/seen.json");
    for (int i = 0; i < 5; ++i) {
        apps_later();
    }
    open();
    apps_later();
    EXPECT_EQ(fs::last_write_time(root_ / "accepted"), before);
    EXPECT_EQ(fs::last_write_time(root_ / "accepted/seen.json"), seen);
}

}  // namespace
}  // namespace podreeve::manifests
