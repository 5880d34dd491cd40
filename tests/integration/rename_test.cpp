#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/integration/harness.h"

// A Kubernetes file is an app that is called by its file: under another name, taken apart or put
// together it is another app with the same pods.
namespace podreeve::integration {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using supervise::Verb;

// A pod with an emptyDir, whose volume is called NAME-scratch.
std::string pod(const std::string& name, const std::string& more = "") {
    return fmt::format(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: {}}}\nspec:\n"
        "  volumes: [{{name: scratch, emptyDir: {{}}}}]\n"
        "  containers:\n    - name: main\n      image: localhost/busybox:latest\n"
        "      command: [serve]\n{}"
        "      volumeMounts: [{{name: scratch, mountPath: /s}}]\n---\n",
        name, more);
}

class RenamedFile : public ::testing::Test {
  protected:
    void start(const std::string& file, const std::string& text) {
        host.write(file, text);
        host.write("other.yaml", pod("other"));
        host.start();
        host.advance(seconds(10));
    }

    fs::path scratch(const std::string& of, const std::string& file = "") const {
        return fs::path(host.podman->directory()) / "volumes" / (of + "-scratch") / "_data" / file;
    }

    void keep_something(const std::string& of) { std::ofstream(scratch(of, "kept")) << "x"; }

    bool has_it(const std::string& of) const { return fs::exists(scratch(of, "kept")); }

    void rename(const std::string& from, const std::string& to) {
        fs::rename(host.manifests / from, host.manifests / to);
    }

    void settle() {
        host.pass();
        host.advance(seconds(30));
    }

    Host host;
};

TEST_F(RenamedFile, KeepsTheEmptyDirsOfItsPods) {
    start("web.yaml", pod("web"));
    keep_something("web");
    rename("web.yaml", "shop.yaml");
    settle();
    EXPECT_EQ(host.state("shop"), "Running") << host.app("shop").message;
    EXPECT_EQ(host.state("web"), "Initialized") << "it is no app any more";
    EXPECT_TRUE(has_it("web"));

    // A repair and a restart of the agent go on with it.
    ASSERT_TRUE(host.podman->remove_behind_back("web"));
    host.pass();
    host.advance(seconds(10));
    EXPECT_EQ(host.podman->state_of("web-main"), "running") << host.app("shop").message;
    host.restart();
    host.write("shop.yaml", pod("web", "      env: [{name: A, value: b}]\n"));
    settle();
    EXPECT_EQ(host.state("shop"), "Running") << host.app("shop").message;
    EXPECT_TRUE(has_it("web"));

    // It goes with the app that has it now.
    host.erase("shop.yaml");
    settle();
    EXPECT_FALSE(fs::exists(scratch("web")));
    EXPECT_FALSE(host.agent->state().app("shop"));
    EXPECT_EQ(host.state("web"), "Initialized");
}

TEST_F(RenamedFile, AnotherAppOfTheFormerNameHasNothingOfIt) {
    start("web.yaml", pod("web"));
    keep_something("web");
    rename("web.yaml", "shop.yaml");
    settle();
    host.write("web.yaml", pod("page"));
    settle();
    EXPECT_EQ(host.state("web"), "Running") << host.app("web").message;
    host.write("web.yaml", pod("page", "      env: [{name: A, value: b}]\n"));
    settle();
    EXPECT_EQ(host.state("web"), "Running") << host.app("web").message;
    EXPECT_TRUE(has_it("web"));
    host.erase("web.yaml");
    settle();
    EXPECT_TRUE(has_it("web"));
    ASSERT_TRUE(host.podman->remove_behind_back("web"));
    host.pass();
    host.advance(seconds(10));
    EXPECT_EQ(host.podman->state_of("web-main"), "running") << host.app("shop").message;
}

TEST_F(RenamedFile, IsRenamedBackAsWell) {
    start("web.yaml", pod("web"));
    keep_something("web");
    rename("web.yaml", "shop.yaml");
    settle();
    rename("shop.yaml", "web.yaml");
    settle();
    EXPECT_EQ(host.state("web"), "Running") << host.app("web").message;
    EXPECT_TRUE(has_it("web"));
    host.erase("web.yaml");
    settle();
    EXPECT_FALSE(fs::exists(scratch("web")));
}

TEST_F(RenamedFile, OnePodThatMovesToAnotherFileKeepsItsOwn) {
    start("web.yaml", pod("web") + pod("api"));
    keep_something("web");
    keep_something("api");
    host.write("api.yaml", pod("api"));
    host.write("web.yaml", pod("web"));
    settle();
    EXPECT_EQ(host.state("api"), "Running") << host.app("api").message;
    EXPECT_EQ(host.state("web"), "Running") << host.app("web").message;
    EXPECT_TRUE(has_it("web"));
    EXPECT_TRUE(has_it("api"));

    host.write("web.yaml", pod("web") + pod("api"));
    host.erase("api.yaml");
    settle();
    EXPECT_EQ(host.state("web"), "Running") << host.app("web").message;
    EXPECT_EQ(host.podman->state_of("api-main"), "running");
    EXPECT_TRUE(has_it("web"));
    EXPECT_TRUE(has_it("api"));
}

TEST_F(RenamedFile, StaysStoppedWhereAPersonStoppedIt) {
    start("web.yaml", pod("web"));
    keep_something("web");
    host.request("web", Verb::Stop);
    rename("web.yaml", "shop.yaml");
    settle();
    EXPECT_EQ(host.state("shop"), "Finished") << host.app("shop").message;
    EXPECT_NE(host.podman->state_of("web-main"), "running");
    host.request("shop", Verb::Start);
    EXPECT_EQ(host.state("shop"), "Running") << host.app("shop").message;
    EXPECT_TRUE(has_it("web"));
}

TEST_F(RenamedFile, AnEmptyDirOfAnAppThatWantsItStaysThatOnes) {
    start("web.yaml", pod("web"));
    keep_something("web");
    host.write("copy.yaml", pod("web"));
    settle();
    EXPECT_EQ(host.state("web"), "Running") << host.app("web").message;
    EXPECT_TRUE(has_it("web"));
    host.erase("copy.yaml");
    settle();
    EXPECT_TRUE(has_it("web"));
    EXPECT_EQ(host.state("web"), "Running") << host.app("web").message;
}

// So many removals at once would be held, were they removals.
TEST_F(RenamedFile, ManyAtOnceAreNotHeld) {
    start("web.yaml", pod("web"));
    for (const char* name : {"a", "b", "c", "d"}) {
        host.write(std::string(name) + ".yaml", pod(name));
    }
    settle();
    for (const char* name : {"a", "b", "c", "d"}) {
        keep_something(name);
        rename(std::string(name) + ".yaml", std::string("new-") + name + ".yaml");
    }
    settle();
    settle();
    for (const char* name : {"a", "b", "c", "d"}) {
        EXPECT_EQ(host.state(std::string("new-") + name), "Running")
            << host.app(std::string("new-") + name).message;
        EXPECT_TRUE(has_it(name)) << name;
    }
    // Put together.
    host.write("all.yaml", pod("a") + pod("b") + pod("c") + pod("d"));
    for (const char* name : {"a", "b", "c", "d"}) {
        host.erase(std::string("new-") + name + ".yaml");
    }
    settle();
    settle();
    EXPECT_EQ(host.state("all"), "Running") << host.app("all").message;
    for (const char* name : {"a", "b", "c", "d"}) {
        EXPECT_TRUE(has_it(name)) << name;
    }
    // A part of them elsewhere is no reason to let the others go.
    host.write("some.yaml", pod("a"));
    host.erase("all.yaml");
    host.erase("web.yaml");
    host.erase("other.yaml");
    settle();
    EXPECT_TRUE(host.has_condition("all", "RemovalHeld"));
    EXPECT_TRUE(has_it("d"));
}

}  // namespace
}  // namespace podreeve::integration
