#include "manifests/accepted.h"
#include "manifests/files.h"
#include "runtime/base/utf8.h"
#include "tests/fakes/scarce_memory.h"
#include "tests/unit/manifests/source_fixture.h"

namespace podreeve::manifests {
namespace {

TEST_F(Source, ReadsAllDirectoriesAndLaterOnesWinByFileName) {
    write("a/one.yaml", app_text("one"));
    write("a/two.yml", app_text("two"));
    write("b/one.yaml", app_text("one", "a:2"));
    write("b/three.json",
          "{\"app\": {\"id\": \"three\", \"name\": \"x\", \"version\": \"1\", \"container\": "
          "{\"image\": \"a\"}}}");
    EXPECT_EQ(names(), (Words{"one=a:2", "three=a", "two=a:1"}));
    EXPECT_TRUE(desired_.complete);
    EXPECT_EQ(problems(), Words{});
}

TEST_F(Source, IgnoresWhatEditorsLeave) {
    for (const char* name : {".web.yaml.swp", "web.yaml~", "#web.yaml#", ".#web.yaml", "4913",
                             "web.yaml.tmp", "README.md", "web.yaml.dpkg-new", ".hidden.yaml"}) {
        write(std::string("a/") + name, "{");
    }
    EXPECT_EQ(names(), Words{});
    EXPECT_EQ(problems(), Words{});
}

TEST_F(Source, ALinkToNowhereMasks) {
    write("a/web.yaml", app_text("web"));
    EXPECT_EQ(names(), Words{"web=a:1"});
    fs::create_symlink("/dev/null", root_ / "b/web.yaml");
    EXPECT_EQ(names(), Words{});
    EXPECT_EQ(problems(), Words{});
}

TEST_F(Source, FollowsLinksToFiles) {
    write("real/web.txt", app_text("web"));
    fs::create_symlink(root_ / "real/web.txt", root_ / "a/web.yaml");
    EXPECT_EQ(names(), Words{"web=a:1"});
    write("real/web.txt", app_text("web", "a:2"));
    EXPECT_EQ(names(), Words{"web=a:2"});
    remove("real");
    EXPECT_EQ(names(), Words{"web=a:2"});
    ASSERT_EQ(problems().size(), 1U);
    EXPECT_EQ(problems()[0], "web|a/web.yaml: cannot be reached: No such file or directory");
}

TEST_F(Source, RefusesWhatOthersMayWrite) {
    write("a/group.yaml", app_text("group"), 0664);
    give_to_group(root_ / "a/group.yaml");
    write("a/world.yaml", app_text("world"), 0646);
    fs::create_directory(root_ / "a/dir.yaml");
    ::mkfifo((root_ / "a/fifo.yaml").c_str(), 0600);
    EXPECT_EQ(names(), Words{});
    EXPECT_EQ(problems(),
              (Words{"|a/dir.yaml: is not a regular file", "|a/fifo.yaml: is not a regular file",
                     "|a/group.yaml: may be written by others: run 'chmod g-w a/group.yaml'",
                     "|a/world.yaml: may be written by others: run 'chmod o-w a/world.yaml'"}));
    ::chmod((root_ / "a/group.yaml").c_str(), 0644);
    EXPECT_EQ(names(), Words{"group=a:1"});
}

TEST_F(Source, RefusesWhatBelongsToSomebodyElse) {
    write("a/web.yaml", app_text("web"));
    // Root can give a file away; anybody else can only be another than the one who may own it.
    const uid_t writer = ::getuid() == 0 ? 4242 : ::getuid();
    ASSERT_EQ(::chown((root_ / "a/web.yaml").c_str(), writer, static_cast<gid_t>(-1)), 0);
    source_ = std::make_unique<ManifestSource>(
        SourceConfig{{root_ / "a"}, root_ / "accepted", writer + 1, nullptr});
    EXPECT_EQ(names(), Words{});
    EXPECT_EQ(problems(),
              Words{fmt::format("|a/web.yaml: belongs to user {} and not to user {} or root: run "
                                "'chown {} a/web.yaml'",
                                writer, writer + 1, writer + 1)});
}

TEST_F(Source, MergesDropInsOfAllDirectories) {
    write("a/web.yaml", app_text("web"));
    write("a/web.yaml.d/10-image.yaml", "app: {container: {image: 'a:2'}}");
    write("a/web.yaml.d/20-version.yaml", "app: {version: 2}");
    EXPECT_EQ(names(), Words{"web=a:2"});
    EXPECT_EQ(desired_.apps.at("web")->version, "2");
    write("b/web.yaml.d/10-image.yaml", "app: {container: {image: 'a:3'}}");
    EXPECT_EQ(names(), Words{"web=a:3"});
    fs::create_symlink("/dev/null", root_ / "b/web.yaml.d/20-version.yaml");
    names();
    EXPECT_EQ(desired_.apps.at("web")->version, "1");
    write("b/web.yaml.d/10-image.yaml", "app: {image: 1}");
    EXPECT_EQ(names(), Words{"web=a:3"});
    EXPECT_EQ(problems()[0].substr(0, 31), "web|b/web.yaml.d/10-image.yaml:");
}

TEST_F(Source, ABrokenFileKeepsItsLastGoodVersion) {
    write("a/web.yaml", app_text("web"));
    names();
    write("a/web.yaml", "app: [");
    EXPECT_EQ(names(), Words{"web=a:1"});
    ASSERT_EQ(problems().size(), 1U);
    EXPECT_EQ(problems()[0].substr(0, 15), "web|a/web.yaml:");
    write("a/web.yaml", app_text("web", "a:2"));
    EXPECT_EQ(names(), Words{"web=a:2"});
    EXPECT_EQ(problems(), Words{});
}

TEST_F(Source, ABrokenFileKeepsItsLastGoodVersionOverARestart) {
    write("a/web.yaml", app_text("web"));
    names();
    write("a/web.yaml", "{ nothing that says which app");
    open();
    EXPECT_EQ(names(), Words{"web=a:1"});
    EXPECT_EQ(desired_.problems.at(0).app, "web");
    open();
    EXPECT_EQ(names(), Words{"web=a:1"});
}

TEST_F(Source, ABrokenFileThatNamesAnotherAppKeepsTheOldOne) {
    write("a/web.yaml", app_text("web"));
    names();
    write("a/web.yaml", app_text("other") + "  prots: 1\n");
    EXPECT_EQ(names(), Words{"web=a:1"});
    EXPECT_EQ(desired_.problems.at(0).app, "web");
}

TEST_F(Source, AFileThatNeverWasGoodIsOnlyAProblem) {
    write("a/web.yaml", app_text("web") + "  prots: 1\n");
    EXPECT_EQ(names(), Words{});
    EXPECT_EQ(desired_.problems.at(0).app, "web");
}

TEST_F(Source, ARemovedFileRemovesTheAppAndItsLastGoodVersion) {
    write("a/web.yaml", app_text("web"));
    names();
    remove("a/web.yaml");
    EXPECT_EQ(names_later(), Words{});
    write("a/web.yaml", app_text("web") + "  prots: 1\n");
    EXPECT_EQ(names(), Words{});
}

TEST_F(Source, AnAppRemovedWhileNoAgentRanIsOutOfForce) {
    write("a/web.yaml", app_text("web"));
    names();
    source_.reset();
    remove("a/web.yaml");
    open();
    EXPECT_EQ(names_later(), Words{});
    write("a/web.yaml", "app: {id: web, prots: 1}");
    EXPECT_EQ(names(), Words{});
}

TEST_F(Source, AChangedIdIsAnotherApp) {
    write("a/web.yaml", app_text("web"));
    names();
    write("a/web.yaml", app_text("shop"));
    EXPECT_EQ(names(), Words{"shop=a:1"});
}

TEST_F(Source, OfTwoFilesAboutOneAppTheOneInForceStays) {
    write("a/b.yaml", app_text("web", "a:1"));
    names();
    write("a/a.yaml", app_text("web", "a:2"));
    EXPECT_EQ(names(), Words{"web=a:1"});
    EXPECT_EQ(problems(), Words{"web|a/a.yaml: there is an app web in b.yaml already"});
    open();
    EXPECT_EQ(names(), Words{"web=a:1"});
}

TEST_F(Source, AManifestCopiedOverAnotherStopsNothing) {
    write("a/api.yaml", app_text("api"));
    write("a/web.yaml", app_text("web"));
    names();
    write("a/api.yaml", app_text("web", "a:9"));
    EXPECT_EQ(names(), (Words{"api=a:1", "web=a:1"}));
    open();
    EXPECT_EQ(names(), (Words{"api=a:1", "web=a:1"}));
}

TEST_F(Source, ANewFileTakesNoPortFromARunningApp) {
    const std::string port = "  ports: [{host: 80, container: 80}]\n";
    write("a/web.yaml", app_text("web", "a:1", port));
    names();
    write("a/aaa.yaml", app_text("aaa", "a:1", port));
    EXPECT_EQ(names(), Words{"web=a:1"});
    EXPECT_EQ(problems(), Words{"aaa|a/aaa.yaml: host port 80/tcp: is taken by app web"});
    open();
    EXPECT_EQ(names(), Words{"web=a:1"});
}

TEST_F(Source, AChangeThatClashesFallsBackToTheVersionInForce) {
    write("a/one.yaml", app_text("one", "a:1", "  ports: [{host: 80, container: 80}]\n"));
    write("a/two.yaml", app_text("two", "a:1", "  ports: [{host: 81, container: 80}]\n"));
    names();
    write("a/one.yaml", app_text("one", "a:2", "  ports: [{host: 81, container: 80}]\n"));
    // 80 is still one's, since it fell back: a newcomer does not get it.
    write("a/aaa.yaml", app_text("aaa", "a:1", "  ports: [{host: 80, container: 80}]\n"));
    EXPECT_EQ(names(), (Words{"one=a:1", "two=a:1"}));
    EXPECT_EQ(problems(), (Words{"one|a/one.yaml: host port 81/tcp: is taken by app two",
                                 "aaa|a/aaa.yaml: host port 80/tcp: is taken by app one"}));
    remove("a/two.yaml");
    EXPECT_EQ(names_later(), (Words{"aaa=a:1", "one=a:2"}));
}

TEST_F(Source, AnUnknownDependencyKeepsANewAppOutAndARunningOneIn) {
    write("a/db.yaml", app_text("db"));
    write("a/web.yaml", app_text("web", "a:1", "  depends_on: [db]\n"));
    write("a/new.yaml", app_text("new", "a:1", "  depends_on: [dbb]\n"));
    EXPECT_EQ(names(), (Words{"db=a:1", "web=a:1"}));
    ASSERT_EQ(problems().size(), 1U);
    EXPECT_EQ(problems()[0],
              "new|a/new.yaml:6:16: depends_on: there is no app dbb; did you mean 'db'?");
    remove("a/db.yaml");
    remove("a/new.yaml");
    EXPECT_EQ(names_later(), Words{"web=a:1"});
    EXPECT_EQ(problems(), Words{"web|a/web.yaml:6:16: depends_on: there is no app db"});
}

TEST_F(Source, ABrokenDependencyIsNotUnknown) {
    write("a/db.yaml", app_text("db") + "  prots: 1\n");
    write("a/web.yaml", app_text("web", "a:1", "  depends_on: [db]\n"));
    EXPECT_EQ(names(), Words{"web=a:1"});
    ASSERT_EQ(problems().size(), 1U);
    EXPECT_EQ(desired_.problems[0].app, "db");
}

TEST_F(Source, WhatClosesACycleGivesWay) {
    write("a/db.yaml", app_text("db"));
    write("a/web.yaml", app_text("web", "a:1", "  depends_on: [db]\n"));
    names();
    write("a/db.yaml", app_text("db", "a:2", "  depends_on: [web]\n"));
    EXPECT_EQ(names(), (Words{"db=a:1", "web=a:1"}));
    EXPECT_EQ(problems(),
              Words{"db|a/db.yaml:6:16: depends_on: waits for itself: db -> web -> db"});
}

TEST_F(Source, AnUnreadableDirectoryRemovesNothing) {
    write("a/one.yaml", app_text("one", "a:1"));
    write("b/one.yaml", app_text("one", "a:2"));
    write("b/two.yaml", app_text("two"));
    names();
    fs::rename(root_ / "b", root_ / "c");
    std::ofstream(root_ / "b") << "now a file";  // root reads everything, but not this
    EXPECT_EQ(names(), (Words{"one=a:2", "two=a:1"}));
    EXPECT_FALSE(desired_.complete);
    EXPECT_EQ(problems(), Words{"|b: cannot be read: Not a directory"});
    EXPECT_EQ(held(), (Words{"one DirectoryOutOfSight", "two DirectoryOutOfSight"}));
    fs::remove(root_ / "b");
    EXPECT_EQ(names_later(), (Words{"one=a:2", "two=a:1"}));
    EXPECT_EQ(problems(), Words{"|b: is not there any more"});
    fs::rename(root_ / "c", root_ / "b");
    EXPECT_EQ(names(), (Words{"one=a:2", "two=a:1"}));
    EXPECT_TRUE(desired_.complete);
    EXPECT_EQ(held(), Words{});
    EXPECT_EQ(problems(), Words{});
}

TEST_F(Source, AFileThatCannotBeCompiledIsNoOtherFilesTrouble) {
    write("a/long.yaml", app_text("long"));
    write("a/web.yaml", app_text("web"));
    ASSERT_EQ(source_->scan().apps.size(), 2U);
    write("a/long.yaml", app_text("long", "a:2", "  description: " + std::string(900'000, 'x')));
    write("a/web.yaml", app_text("web", "a:2"));
    {
        const fakes::ScarceMemory scarce(500'000);
        const Desired desired = source_->scan();
        EXPECT_GT(fakes::ScarceMemory::refused(), 0U);
        EXPECT_EQ(desired.apps.at("web")->containers.at(0).image, "a:2");
        EXPECT_EQ(desired.apps.at("long")->containers.at(0).image, "a:1")
            << "its last good version";
        ASSERT_EQ(desired.problems.size(), 1U);
        EXPECT_EQ(desired.problems[0].app, "long");
    }
    // The file is the same; what was short is there again.
    const Desired desired = source_->scan();
    EXPECT_EQ(desired.apps.at("long")->containers.at(0).image, "a:2");
    EXPECT_TRUE(desired.problems.empty());
}

TEST_F(Source, AFileWhoseNameIsNoTextIsToldInText) {
    write("a/x\xFF.yaml", "app: [");
    const Desired desired = source_->scan();
    ASSERT_EQ(desired.problems.size(), 1U);
    EXPECT_NE(desired.problems[0].file.find(R"(x\xff.yaml)"), std::string::npos);
    EXPECT_TRUE(is_utf8(to_text(desired.problems[0].diagnostics.at(0))));
}

TEST_F(Source, KeepsWhatWasAcceptedUntilToldToForget) {
    Words hashes;
    for (const char* image : {"a:1", "a:2", "a:3", "a:4"}) {
        write("a/web.yaml", app_text("web", image));
        names();
        hashes.push_back(spec_hash(*desired_.apps.at("web")));
    }
    open();
    ASSERT_TRUE(source_->accepted("web", hashes[0])) << "however many came after it";
    EXPECT_EQ(source_->accepted("web", hashes[0])->containers.at(0).image, "a:1");
    ASSERT_TRUE(source_->accepted("web", hashes[1]));
    EXPECT_EQ(source_->accepted("web", hashes[1])->containers.at(0).image, "a:2");
    EXPECT_EQ(source_->accepted("web", hashes[3])->containers.at(0).image, "a:4");
    source_->forget_accepted("web", {hashes[2]});
    EXPECT_EQ(source_->accepted("web", hashes[0]), nullptr);
    EXPECT_EQ(source_->accepted("web", hashes[1]), nullptr);
    EXPECT_TRUE(source_->accepted("web", hashes[2]));
    EXPECT_TRUE(source_->accepted("web", hashes[3]));
    EXPECT_EQ(source_->accepted("web", "../../x"), nullptr);
    EXPECT_EQ(source_->accepted("../web", hashes[3]), nullptr);
}

TEST_F(Source, SavesLaterWhatCouldNotBeSavedWhenItCame) {
    fs::remove_all(root_ / "accepted");
    std::ofstream(root_ / "accepted") << "in the way";
    Words hashes;
    for (const char* image : {"a:1", "a:2"}) {
        write("a/web.yaml", app_text("web", image));
        names();
        hashes.push_back(spec_hash(*desired_.apps.at("web")));
    }
    ASSERT_TRUE(source_->accepted("web", hashes[0])) << "it is remembered meanwhile";
    fs::remove(root_ / "accepted");
    names();
    open();
    for (const std::string& hash : hashes) {
        EXPECT_TRUE(source_->accepted("web", hash)) << hash;
    }
    EXPECT_EQ(source_->accepted_apps(), Words{"web"});
}

TEST_F(Source, KeepsManyVersionsAtOnce) {
    for (int i = 0; i < 30; ++i) {
        const std::string id = "app-" + std::to_string(i);
        write("a/" + id + ".yaml", app_text(id));
    }
    EXPECT_EQ(names().size(), 30U);
    for (int i = 0; i < 30; ++i) {
        write("a/app-" + std::to_string(i) + ".yaml", "{");
    }
    open();
    EXPECT_EQ(names().size(), 30U);
    EXPECT_EQ(desired_.problems.size(), 30U);
}

TEST_F(Source, KeepsAcceptedVersionsToItself) {
    write("a/web.yaml", app_text("web"));
    names();

    struct stat info {};

    ASSERT_EQ(::stat((root_ / "accepted").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0700U);
    const fs::path file = root_ / "accepted/web" / (spec_hash(*desired_.apps.at("web")) + ".json");
    ASSERT_EQ(::stat(file.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_F(Source, GarbageInTheAcceptedVersionsIsNoLastGoodVersion) {
    write("a/web.yaml", app_text("web"));
    names();
    const std::string hash = spec_hash(*desired_.apps.at("web"));
    write("a/web.yaml", app_text("web") + "  prots: 1\n");
    for (const char* garbage : {"", "{", "[]", "{\"file\": 1}",
                                "{\"file\": \"x\", \"text\": \"app: {}\", \"drop_ins\": [1]}",
                                "{\"file\": \"x\", \"text\": \"app: {}\"}"}) {
        std::ofstream(root_ / "accepted/web" / (hash + ".json")) << garbage;
        open();
        EXPECT_EQ(names(), Words{}) << garbage;
        ASSERT_FALSE(desired_.problems.empty());
    }
}

TEST_F(Source, AnUnchangedFileIsNotReadAgain) {
    open(std::make_shared<LateClock>());
    write("a/one.yaml", app_text("one"));
    write("a/two.yaml", app_text("two"));
    names();
    const auto one = desired_.apps.at("one");
    write("a/two.yaml", app_text("two", "a:22"));
    EXPECT_EQ(names(), (Words{"one=a:1", "two=a:22"}));
    EXPECT_EQ(desired_.apps.at("one"), one);  // the same object
}

TEST_F(Source, SeesAChangeThatLeavesTheSameStamp) {
    write("a/web.yaml", app_text("web", "a:1"));
    for (int i = 0; i < 20; ++i) {
        const std::string image = i % 2 == 0 ? "a:2" : "a:3";
        write("a/web.yaml", app_text("web", image));
        EXPECT_EQ(names(), Words{"web=" + image});
    }
}

TEST_F(Source, AHundredTimesNothingIsTheSame) {
    write("a/web.yaml", app_text("web"));
    write("a/bad.yaml", "{");
    names();
    const Words first = problems();
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(names(), Words{"web=a:1"});
        EXPECT_EQ(problems(), first);
    }
}

TEST(FileNames, AreToldApart) {
    const std::pair<const char*, NameKind> cases[] = {
        {"web.yaml", NameKind::Manifest},
        {"web.yml", NameKind::Manifest},
        {"web.json", NameKind::Manifest},
        {"web.yaml.d", NameKind::DropInDirectory},
        {"web.d", NameKind::Ignored},
        {"web.container", NameKind::Unit},
        {"x.pod", NameKind::Unit},
        {"x.kube", NameKind::Unit},
        {"x.pod.d", NameKind::UnitDropInDirectory},
        {"x-.pod.d", NameKind::UnitDropInDirectory},
        {"container.d", NameKind::UnitDropInDirectory},
        {".yaml", NameKind::Ignored},
        {"yaml", NameKind::Ignored},
        {"", NameKind::Ignored},
        {"web.YAML", NameKind::Ignored}};
    for (const auto& [name, kind] : cases) {
        EXPECT_EQ(classify_name(name), kind) << name;
    }
}

}  // namespace
}  // namespace podreeve::manifests
