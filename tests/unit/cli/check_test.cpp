#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdio_ext.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/fakes/temp_dir.h"
#include "tests/unit/cli/running.h"

namespace podreeve::cli {
namespace {

namespace fs = std::filesystem;
using testing::podreeve;
using testing::Ran;

constexpr const char* kGood =
    "app:\n  id: web\n  name: Web\n  version: 1.0.0\n  container:\n    image: example/web:1\n";

class Check : public ::testing::Test {
  protected:
    std::string write(const std::string& name, const std::string& text) const {
        fs::create_directories((directory / name).parent_path());
        std::ofstream(directory / name) << text;
        fs::permissions(directory / name, fs::perms(0644));
        return (directory / name).string();
    }

    fakes::TempDir temp;
    fs::path directory = temp.path();
};

TEST_F(Check, TheExamplesAreAllGood) {
    // Copied: a checkout may be writable by a group, and then nothing in it is read.
    for (const auto& entry : fs::directory_iterator(PODREEVE_SOURCE_DIR "/manifests/examples")) {
        std::ifstream input(entry.path());
        std::ostringstream text;
        text << input.rdbuf();
        write(entry.path().filename().string(), text.str());
    }
    const Ran ran = podreeve({"check", directory.string()});
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_EQ(ran.err, "");
    EXPECT_NE(ran.out.find("all good"), std::string::npos) << ran.out;
}

TEST_F(Check, AMisspeltFieldIsToldWithFileLineColumnAndTheNearestName) {
    const std::string file = write("web.yaml", std::string(kGood) + "  restrat: always\n");
    const Ran ran = podreeve({"check", file});
    EXPECT_EQ(ran.code, 1);
    EXPECT_NE(ran.err.find(file + ":7:3"), std::string::npos) << ran.err;
    EXPECT_NE(ran.err.find("restrat"), std::string::npos) << ran.err;
    EXPECT_NE(ran.err.find("restart"), std::string::npos) << ran.err;
    EXPECT_NE(ran.out.find("1 manifest read, 1 error\n"), std::string::npos) << ran.out;
}

TEST_F(Check, AllErrorsOfAllFilesAreToldAtOnce) {
    write("a.yaml", std::string(kGood) + "  one: 1\n  two: 2\n");
    write("b.yaml", "app: [\n");
    const Ran ran = podreeve({"check", directory.string()});
    EXPECT_EQ(ran.code, 1);
    EXPECT_NE(ran.err.find("a.yaml:7:3"), std::string::npos) << ran.err;
    EXPECT_NE(ran.err.find("a.yaml:8:3"), std::string::npos) << ran.err;
    EXPECT_NE(ran.err.find("b.yaml:"), std::string::npos) << ran.err;
}

TEST_F(Check, JsonTellsTheSameToPrograms) {
    const std::string file = write("web.yaml", std::string(kGood) + "  restrat: always\n");
    for (const auto& arguments : {std::vector<std::string>{"check", "--json", file},
                                  std::vector<std::string>{"--json", "check", file}}) {
        const Ran ran = podreeve(arguments);
        EXPECT_EQ(ran.code, 1);
        const nlohmann::json report = ran.json();
        ASSERT_TRUE(report.is_object()) << ran.out;
        EXPECT_EQ(report["ok"], false);
        EXPECT_EQ(report["files"], 1);
        ASSERT_EQ(report["diagnostics"].size(), 1U);
        EXPECT_EQ(report["diagnostics"][0]["line"], 7);
        EXPECT_EQ(report["diagnostics"][0]["column"], 3);
        EXPECT_EQ(report["diagnostics"][0]["nearest"], "restart");
        EXPECT_EQ(report["diagnostics"][0]["severity"], "error");
    }
    EXPECT_EQ(podreeve({"check", "--json", write("ok.yaml", kGood)}).json()["ok"], true);
}

TEST_F(Check, AppsAreCheckedAgainstEachOther) {
    std::string one(kGood), two(kGood);
    one.replace(one.find("id: web"), 7, "id: one").append("  depends_on: [two]\n");
    two.replace(two.find("id: web"), 7, "id: two").append("  depends_on: [one]\n");
    write("one.yaml", one);
    write("two.yaml", two);
    const Ran ran = podreeve({"check", directory.string()});
    EXPECT_EQ(ran.code, 1);
    EXPECT_NE(ran.err.find("one"), std::string::npos) << ran.err;
    EXPECT_NE(ran.err.find("two"), std::string::npos) << ran.err;
    // The same app twice.
    fs::remove(directory / "two.yaml");
    write("again.yaml", one.substr(0, one.find("  depends_on")));
    const Ran again = podreeve({"check", directory.string()});
    EXPECT_EQ(again.code, 1);
    EXPECT_NE(again.err.find("declared by"), std::string::npos) << again.err;
}

TEST_F(Check, DropInsAreMergedBeforeTheCheck) {
    const std::string file = write("web.yaml", kGood);
    write("web.yaml.d/10.yaml", "app:\n  restart: always\n");
    EXPECT_EQ(podreeve({"check", file}).code, 0);
    write("web.yaml.d/20.yaml", "app:\n  restrat: always\n");
    const Ran ran = podreeve({"check", file});
    EXPECT_EQ(ran.code, 1);
    EXPECT_NE(ran.err.find("20.yaml:2:3"), std::string::npos) << ran.err;
}

TEST_F(Check, APathThatIsNotThereIsAnError) {
    const Ran ran = podreeve({"check", (directory / "none.yaml").string()});
    EXPECT_EQ(ran.code, 1);
    EXPECT_NE(ran.err.find("none.yaml"), std::string::npos) << ran.err;
}

TEST_F(Check, ADirectoryWithoutManifestsIsAnError) {
    write("README.md", "x");
    const Ran ran = podreeve({"check", directory.string()});
    EXPECT_EQ(ran.code, 1);
    EXPECT_NE(ran.err.find(directory.string() + ": there is no manifest here"), std::string::npos)
        << ran.err;
    EXPECT_EQ(podreeve({"check", "--json", directory.string()}).json()["ok"], false);
}

TEST_F(Check, WhatTheAgentWouldNotReadIsTold) {
    const fs::path outside = directory / "outside";
    const fs::path apps = directory / "apps";
    write("outside/open.yaml", kGood);
    fs::permissions(outside / "open.yaml", fs::perms(0666));
    write("apps/good.yaml", kGood);
    write("apps/group.yaml", kGood);
    fs::permissions(apps / "group.yaml", fs::perms(0664));
    if (::geteuid() == 0) {  // root's own group has no other member, and may write
        ASSERT_EQ(::chown((apps / "group.yaml").c_str(), 0, 100), 0);
    }
    fs::create_directory(apps / "folder.yaml");
    ASSERT_EQ(::mkfifo((apps / "fifo.yaml").c_str(), 0644), 0);
    fs::create_symlink(outside / "open.yaml", apps / "link.yaml");
    fs::create_symlink("nowhere", apps / "dangling.yaml");
    fs::create_symlink("loop.yaml", apps / "loop.yaml");
    fs::create_symlink(outside, apps / "todir.yaml");
    fs::create_symlink("/dev/zero", apps / "device.yaml");
    fs::create_symlink("/dev/null", apps / "masked.yaml");
    const Ran ran = podreeve({"check", apps.string()});
    EXPECT_EQ(ran.code, 1);
    const std::pair<const char*, const char*> reported[] = {
        {"group.yaml", "may be written by others"}, {"link.yaml", "may be written by others"},
        {"folder.yaml", "is not a regular file"},   {"fifo.yaml", "is not a regular file"},
        {"todir.yaml", "is not a regular file"},    {"device.yaml", "is not a regular file"},
        {"dangling.yaml", "cannot be reached"},     {"loop.yaml", "cannot be reached"}};
    for (const auto& [name, words] : reported) {
        const std::string line = (apps / name).string() + ": " + words;
        EXPECT_NE(ran.err.find(line), std::string::npos) << line << " in\n" << ran.err;
        const Ran alone = podreeve({"check", (apps / name).string()});
        std::error_code error;
        const bool a_directory = fs::is_directory(apps / name, error);
        EXPECT_EQ(alone.code, 1) << name;
        EXPECT_TRUE(a_directory || alone.err.find(line) != std::string::npos) << alone.err;
    }
    EXPECT_EQ(ran.err.find("good.yaml"), std::string::npos) << ran.err;
    EXPECT_EQ(ran.err.find("masked.yaml"), std::string::npos) << ran.err;
}

TEST_F(Check, ADependencyThatIsNotAmongTheFilesIsAWarning) {
    const std::string file = write("web.yaml", std::string(kGood) + "  depends_on: [beat]\n");
    const Ran ran = podreeve({"check", file});
    EXPECT_EQ(ran.code, 0);
    EXPECT_NE(
        ran.err.find(file + ":7:16: warning: depends_on: there is no app beat among the files"),
        std::string::npos)
        << ran.err;
    write("beat.yaml", "app:\n  id: beat\n  oops: 1\n");
    EXPECT_EQ(podreeve({"check", directory.string()}).err.find("among the files"),
              std::string::npos)
        << "it is, with errors of its own";
}

TEST_F(Check, ADigestCutShortAndANulAreErrorsAtTheirPlace) {
    std::string text(kGood);
    text.replace(text.find("example/web:1"), 13, "x@sha256:1");
    std::string file = write("web.yaml", text);
    Ran ran = podreeve({"check", file});
    EXPECT_EQ(ran.code, 1);
    EXPECT_NE(ran.err.find(file + ":6:12: "), std::string::npos) << ran.err;
    file = write("nul.yaml", std::string(kGood) + "    environment:\n      - \"C=a\\0b\"\n");
    ran = podreeve({"check", file});
    EXPECT_EQ(ran.code, 1);
    EXPECT_NE(ran.err.find(file + ":8:9: there is a NUL byte"), std::string::npos) << ran.err;
}

TEST_F(Check, ControlCharactersAreShownAndNotObeyed) {
    const std::string file = write("a\x1b[31m\nb\xff.yaml", "app: {\"x\\e[2Jy\": 1}\n");
    const Ran ran = podreeve({"check", file});
    EXPECT_EQ(ran.code, 1);
    EXPECT_EQ((ran.out + ran.err).find('\x1b'), std::string::npos) << ran.err;
    EXPECT_NE(ran.err.find("a\\x1b[31m\\nb\\xff.yaml:1:"), std::string::npos) << ran.err;
}

TEST_F(Check, NoSecretIsPrinted) {
    const std::string file = write("s.yaml",
                                   "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n"
                                   "stringData:\n  password: not-for-logs\n---\n"
                                   "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\nspec:\n"
                                   "  containers:\n    - name: c\n      image: example/c:1\n"
                                   "      env:\n        - name: P\n          valueFrom:\n"
                                   "            secretKeyRef: {name: s, key: password}\n");
    const Ran ran = podreeve({"check", "--json", file});
    EXPECT_EQ(ran.code, 0) << ran.out << ran.err;
    EXPECT_EQ((ran.out + ran.err).find("not-for-logs"), std::string::npos) << ran.out;
    EXPECT_EQ((ran.out + ran.err).find("bm90LWZvci1sb2dz"), std::string::npos) << ran.out;
}

TEST(CommandLine, WhatIsWrongWithItIsAnErrorAndHelpIsNone) {
    EXPECT_EQ(podreeve({}).code, 1);
    EXPECT_EQ(podreeve({"dance"}).code, 1);
    EXPECT_EQ(podreeve({"check"}).code, 1);
    EXPECT_EQ(podreeve({"change", "x"}).code, 1);
    EXPECT_EQ(podreeve({"changes", "-n", "0"}).code, 1);
    EXPECT_EQ(podreeve({"--help"}).code, 0);
    EXPECT_EQ(podreeve({"status", "--help"}).code, 0);
}

TEST(CommandLine, HelpIsACommandToo) {
    EXPECT_EQ(podreeve({"help"}).out, podreeve({"--help"}).out);
    EXPECT_EQ(podreeve({"help", "status"}).out, podreeve({"status", "--help"}).out);
    EXPECT_EQ(podreeve({"help", "status"}).code, 0);
    EXPECT_EQ(podreeve({"help", "nope"}).code, 1);
}

TEST(CommandLine, AnUnknownCommandIsNamedWithTheNearest) {
    const std::string reported =
        "podreeve: cannot find a command 'statsu'; did you mean 'status'? `podreeve --help` lists "
        "them\n";
    for (const auto& arguments :
         {std::vector<std::string>{"statsu"}, std::vector<std::string>{"statsu", "--help"},
          std::vector<std::string>{"--socket", "/x", "statsu", "web"}}) {
        const Ran ran = podreeve(arguments);
        EXPECT_EQ(ran.code, 1);
        EXPECT_EQ(ran.err, reported);
        EXPECT_EQ(ran.out, "");
    }
}

TEST(CommandLine, WhatIsNotTheNumberOfAChangeIsSaidInPlainWords) {
    for (const char* word : {"abc", "1x", "0", "99999999999999999999"}) {
        const Ran ran = podreeve({"change", word});
        EXPECT_EQ(ran.code, 1);
        EXPECT_NE(ran.err.find(std::string("'") + word + "' is not the number of a change"),
                  std::string::npos)
            << ran.err;
    }
}

TEST(CommandLine, AUsageErrorIsJsonForWhoAsksForJson) {
    for (const auto& arguments :
         {std::vector<std::string>{"--json"}, std::vector<std::string>{"nope", "--json"},
          std::vector<std::string>{"change", "abc", "--json"},
          std::vector<std::string>{"--json", "status", "--nope"}}) {
        const Ran ran = podreeve(arguments);
        EXPECT_EQ(ran.code, 1);
        EXPECT_EQ(ran.json()["error"]["code"], "invalid-argument") << ran.out;
        EXPECT_EQ(ran.err.rfind("podreeve: cannot ", 0), 0U) << ran.err;
    }
}

TEST(CommandLine, AnEmptySocketIsSaidToBeEmpty) {
    const Ran ran = podreeve({"--socket", "", "status"});
    EXPECT_EQ(ran.code, 1);
    EXPECT_NE(ran.err.find("the path of its socket is empty"), std::string::npos) << ran.err;
}

// Runs it with stdout on a device that is always full.
TEST(CommandLine, OutputThatCannotBeWrittenIsAnError) {
    for (const auto& arguments :
         {std::vector<std::string>{"--help"},
          std::vector<std::string>{"--socket", "/nonexistent/s", "version"}}) {
        std::fflush(stdout);
        const int saved = ::dup(STDOUT_FILENO);
        const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
        ASSERT_GE(full, 0);
        ::testing::internal::CaptureStderr();
        ::dup2(full, STDOUT_FILENO);
        const int code = testing::run_here(arguments);
        ::__fpurge(stdout);
        ::clearerr(stdout);
        ::dup2(saved, STDOUT_FILENO);
        ::close(saved);
        ::close(full);
        EXPECT_EQ(code, 1);
        EXPECT_EQ(::testing::internal::GetCapturedStderr(),
                  "podreeve: cannot write the output: No space left on device\n");
    }
}

}  // namespace
}  // namespace podreeve::cli
