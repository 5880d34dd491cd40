#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

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
    void SetUp() override {
        char path[] = "/tmp/podreeve-check-XXXXXX";
        ASSERT_NE(::mkdtemp(path), nullptr);
        directory = path;
    }

    void TearDown() override { fs::remove_all(directory); }

    std::string write(const std::string& name, const std::string& text) const {
        fs::create_directories((directory / name).parent_path());
        std::ofstream(directory / name) << text;
        return (directory / name).string();
    }

    fs::path directory;
};

TEST_F(Check, TheExamplesAreAllGood) {
    const Ran ran = podreeve({"check", PODREEVE_SOURCE_DIR "/manifests/examples"});
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
    EXPECT_NE(ran.out.find("1 errors"), std::string::npos) << ran.out;
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

TEST_F(Check, AnEmptyDirectoryIsAllGood) {
    EXPECT_EQ(podreeve({"check", directory.string()}).code, 0);
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

}  // namespace
}  // namespace podreeve::cli
