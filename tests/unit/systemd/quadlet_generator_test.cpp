#include "runtime/systemd/quadlet_generator.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "tests/fakes/fake_systemd/fake_quadlet.h"
#include "tests/fakes/temp_dir.h"

namespace podreeve::systemd {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

constexpr seconds kLong{20};

class QuadletGeneratorTest : public testing::Test {
  protected:
    void SetUp() override {
        units = root / "units";
        fs::create_directories(units);
    }

    static void write(const fs::path& file, const std::string& text) {
        fs::create_directories(file.parent_path());
        std::ofstream(file) << text;
    }

    // A generator that does as the script says.
    QuadletGenerator generator(const std::string& script) const {
        const fs::path program = root / "generator";
        write(program, "#!/bin/sh\n" + script + "\n");
        fs::permissions(program, fs::perms::owner_all);
        return {program, Scope::User};
    }

    std::string why() const { return std::get<NoQuadlet>(find_quadlet(Scope::User, root)).why; }

    fakes::TempDir temp;
    fs::path root = temp.path();
    fs::path units;
};

TEST_F(QuadletGeneratorTest, IsFoundWhereSystemdWouldFindIt) {
    fakes::install_fake_quadlet(root, Scope::User);
    fakes::install_fake_quadlet(root, Scope::System);
    for (const auto& [scope, path] :
         {std::pair(Scope::User, "usr/lib/systemd/user-generators/podman-user-generator"),
          std::pair(Scope::System, "usr/lib/systemd/system-generators/podman-system-generator")}) {
        const auto found = find_quadlet(scope, root);
        ASSERT_TRUE(std::holds_alternative<QuadletGenerator>(found));
        EXPECT_EQ(std::get<QuadletGenerator>(found).program, root / path);
        EXPECT_EQ(std::get<QuadletGenerator>(found).scope, scope);
    }
    const fs::path nearer = root / "etc/systemd/user-generators/podman-user-generator";
    fs::create_directories(nearer.parent_path());
    fs::copy_file(root / "usr/lib/systemd/user-generators/podman-user-generator", nearer);
    EXPECT_EQ(std::get<QuadletGenerator>(find_quadlet(Scope::User, root)).program, nearer);
}

TEST_F(QuadletGeneratorTest, SaysWhyThereIsNone) {
    EXPECT_EQ(why(), "there is no Quadlet on this host: " +
                         (root / "usr/lib/systemd/user-generators").string() +
                         " has no podman-user-generator; podman 4.4 and later bring it, Debian's "
                         "from Debian 13 on");
    fakes::install_fake_quadlet(root);
    const fs::path mask = root / "run/systemd/user-generators/podman-user-generator";
    fs::create_directories(mask.parent_path());
    fs::create_symlink("/dev/null", mask);
    EXPECT_EQ(why(), "Quadlet is masked on this host by " + mask.string() +
                         "; remove that to have it again");
    fs::remove(mask);
    fs::create_symlink("/no/such/program", mask);
    EXPECT_EQ(why(), "Quadlet cannot be run on this host: cannot run " + mask.string() +
                         ": No such file or directory");
}

TEST(QuadletDirectories, AreThoseOfTheUserOrOfTheHost) {
    const auto with = [](std::map<std::string, std::string> variables) {
        return [variables](const char* name) -> std::optional<std::string> {
            const auto found = variables.find(name);
            return found != variables.end() ? std::optional(found->second) : std::nullopt;
        };
    };
    const auto host = quadlet_directories(0, with({}));
    ASSERT_TRUE(host);
    EXPECT_EQ(host->install, "/etc/containers/systemd");
    EXPECT_EQ(host->search,
              (std::vector<fs::path>{"/run/containers/systemd", "/etc/containers/systemd",
                                     "/usr/share/containers/systemd"}));
    const auto user = quadlet_directories(1000, with({{"HOME", "/home/a"}}));
    ASSERT_TRUE(user);
    EXPECT_EQ(user->install, "/home/a/.config/containers/systemd");
    EXPECT_EQ(user->search,
              (std::vector<fs::path>{
                  "/run/user/1000/containers/systemd", "/home/a/.config/containers/systemd",
                  "/etc/containers/systemd/users/1000", "/etc/containers/systemd/users"}));
    const auto xdg = quadlet_directories(
        1000, with({{"HOME", "/home/a"}, {"XDG_CONFIG_HOME", "/c"}, {"XDG_RUNTIME_DIR", "/r"}}));
    ASSERT_TRUE(xdg);
    EXPECT_EQ(xdg->install, "/c/containers/systemd");
    EXPECT_EQ(xdg->search[0], "/r/containers/systemd");
    const auto nowhere = quadlet_directories(1000, with({}));
    ASSERT_FALSE(nowhere);
    EXPECT_EQ(nowhere.error().code, Code::NotFound);
}

TEST_F(QuadletGeneratorTest, TellsTheServicesAndWhatItDropped) {
    fakes::install_fake_quadlet(root);
    write(units / "web.container", "[Container]\nImage=a\n");
    write(units / "data.volume", "[Volume]\n");
    write(units / "bad.container", "[Container]\nGarbage=1\n");
    write(root / "more/net.network", "[Network]\n");
    const auto run = dry_run(std::get<QuadletGenerator>(find_quadlet(Scope::User, root)),
                             {units, root / "more"}, kLong);
    ASSERT_TRUE(run) << run.error().message;
    std::vector<std::string> names;
    for (const auto& [name, text] : run->services) {
        names.push_back(name);
    }
    EXPECT_EQ(names, (std::vector<std::string>{"data-volume.service", "net-network.service",
                                               "web.service"}));
    EXPECT_EQ(run->sources.at("net-network.service"), root / "more/net.network");
    EXPECT_EQ(run->services.at("web.service"),
              "[Unit]\nSourcePath=" + (units / "web.container").string() + "\n\n");
    ASSERT_EQ(run->errors.size(), 1U);
    EXPECT_EQ(run->errors.at("bad.container"),
              std::vector<std::string>{"converting \"bad.container\": unsupported key 'Garbage' in "
                                       "group 'Container' in " +
                                       (units / "bad.container").string()});
}

TEST_F(QuadletGeneratorTest, ReadsTheErrorsOfOlderReleases) {
    // All problems at the end, in one message, and an exit with 0.
    const auto run = dry_run(generator(R"(cat <<'END' >&2
quadlet-generator[7]: Loading source unit file /u/a.container
quadlet-generator[7]: Loading source drop-in file /u/a.container.d/x.conf
quadlet-generator[7]: Warning: a.container specifies the image "b" which not a fully qualified image name.
quadlet-generator[7]: error loading "/u/c.volume", file contains line 2: garbage
  which is no key
error loading "/u/a.container.d/x.conf", permission denied
converting "d.kube": no Yaml key specified
END
exit 0)"),
                             {units}, kLong);
    ASSERT_TRUE(run) << run.error().message;
    EXPECT_EQ(run->errors,
              (std::map<std::string, std::vector<std::string>>{
                  {"a.container", {"error loading \"/u/a.container.d/x.conf\", permission denied"}},
                  {"c.volume",
                   {"error loading \"/u/c.volume\", file contains line 2: garbage   which is no "
                    "key"}},
                  {"d.kube", {"converting \"d.kube\": no Yaml key specified"}}}));
    EXPECT_EQ(run->warnings,
              (std::map<std::string, std::vector<std::string>>{
                  {"a.container",
                   {"a.container specifies the image \"b\" which not a fully qualified image "
                    "name."}}}));
}

TEST_F(QuadletGeneratorTest, IsAskedForTheScopeAndTheDirectories) {
    QuadletGenerator fake = generator("echo \"$*\" \"$QUADLET_UNIT_DIRS\" >&2; exit 1");
    const auto user = dry_run(fake, {"/a", "/b c"}, kLong);
    ASSERT_TRUE(user);
    EXPECT_EQ(user->errors.at(""), std::vector<std::string>{"-dryrun -user /a:/b c"});
    fake.scope = Scope::System;
    const auto host = dry_run(fake, {"/a"}, kLong);
    ASSERT_TRUE(host);
    EXPECT_EQ(host->errors.at(""), std::vector<std::string>{"-dryrun /a"});
}

TEST_F(QuadletGeneratorTest, SaysWhenItFailsWithoutAWord) {
    const auto run = dry_run(generator("exit 3"), {units}, kLong);
    ASSERT_TRUE(run);
    EXPECT_EQ(run->errors.at(""), std::vector<std::string>{"the generator exited with 3"});
}

TEST_F(QuadletGeneratorTest, CannotBeAskedWhenItDoesNotEnd) {
    const auto hangs =
        dry_run(generator("exec tail -f /dev/null"), {units}, std::chrono::milliseconds(100));
    ASSERT_FALSE(hangs);
    EXPECT_EQ(hangs.error().code, Code::Timeout);
    const auto killed = dry_run(generator("kill -SEGV $$"), {units}, kLong);
    ASSERT_FALSE(killed);
    EXPECT_EQ(killed.error().code, Code::Unavailable);
    std::stop_source stop;
    stop.request_stop();
    const auto stopped =
        dry_run(generator("exec tail -f /dev/null"), {units}, {kLong, stop.get_token()});
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().code, Code::Cancelled);
    const auto relative = dry_run(generator("exit 0"), {"units"}, kLong);
    ASSERT_FALSE(relative);
    EXPECT_EQ(relative.error().code, Code::InvalidArgument);
}

}  // namespace
}  // namespace podreeve::systemd
