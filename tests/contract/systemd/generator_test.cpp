#include "tests/contract/systemd/subject.h"

// What Quadlet's generator says of units in a dry run, as podreeve relies on it.
namespace podreeve::contract {
namespace {

using systemd::DryRun;

constexpr const char* kGood = "[Container]\nImage=localhost/busybox:latest\n";

class Generator : public SystemdContract {
  protected:
    DryRun dry_run() {
        const auto run = systemd::dry_run(generator(), {generator_directory()}, kPatience);
        EXPECT_TRUE(run) << run.error().message;
        return run ? *run : DryRun{};
    }

    static std::set<std::string> services(const DryRun& run) {
        std::set<std::string> names;
        for (const auto& [name, text] : run.services) {
            names.insert(name);
        }
        return names;
    }

    static std::set<std::string> blamed(const DryRun& run) {
        std::set<std::string> names;
        for (const auto& [name, errors] : run.errors) {
            names.insert(name);
        }
        return names;
    }
};

using Names = std::set<std::string>;

TEST_F(Generator, TellsWhatItWouldMakeOfEachFile) {
    write_unit(generator_directory() / "web.container", kGood);
    write_unit(generator_directory() / "data.volume", "[Volume]\n");
    write_unit(generator_directory() / "below/deep.container", kGood);
    const DryRun run = dry_run();
    EXPECT_EQ(services(run), (Names{"web.service", "data-volume.service", "deep.service"}));
    EXPECT_EQ(blamed(run), Names{});
    EXPECT_EQ(run.sources.at("deep.service"), generator_directory() / "below/deep.container");
    EXPECT_NE(run.services.at("web.service").find("SourcePath="), std::string::npos);
}

TEST_F(Generator, DropsAFileThatItCannotConvertAlone) {
    write_unit(generator_directory() / "web.container", kGood);
    write_unit(generator_directory() / "bad.container", std::string(kGood) + "Garbage=1\n");
    const DryRun run = dry_run();
    EXPECT_EQ(services(run), Names{"web.service"});
    EXPECT_EQ(blamed(run), Names{"bad.container"});
    EXPECT_NE(run.errors.at("bad.container")[0].find("unsupported key 'Garbage'"),
              std::string::npos);
}

TEST_F(Generator, DropsAllBesideAFileThatItCannotParse) {
    write_unit(generator_directory() / "web.container", kGood);
    write_unit(generator_directory() / "bad.container", "garbage\n");
    write_unit(generator_directory() / "apart/deep.container", kGood);
    const DryRun run = dry_run();
    EXPECT_EQ(services(run), Names{"deep.service"});
    EXPECT_EQ(blamed(run), Names{"bad.container"});
}

TEST_F(Generator, HasNothingToSayOfNothing) {
    const DryRun run = dry_run();
    EXPECT_EQ(services(run), Names{});
    EXPECT_EQ(blamed(run), Names{});
}

}  // namespace
}  // namespace podreeve::contract
