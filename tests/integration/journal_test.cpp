#include <filesystem>
#include <map>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "manifests/source.h"
#include "runtime/base/log.h"
#include "tests/fakes/faulty_disk.h"
#include "tests/integration/harness.h"
#include "tests/integration/manifest_texts.h"

// What the journal is told: what is the same again and again, once.
namespace podreeve::integration {
namespace {

namespace fs = std::filesystem;

// Each line without its time, and how often it was said.
using Journal = std::map<std::string, int>;

class JournalOf {
  public:
    JournalOf() {
        testing::internal::CaptureStderr();
        log::init(log::Sink::Terminal, "info");
    }

    Journal end() {
        Journal out;
        std::istringstream lines(testing::internal::GetCapturedStderr());
        log::init(log::Sink::Terminal, "error");
        for (std::string line; std::getline(lines, line);) {
            ++out[line.substr(std::min(line.find(' ') + 1, line.size()))];
        }
        return out;
    }
};

int count(const Journal& journal, const std::string& words) {
    int out = 0;
    for (const auto& [line, times] : journal) {
        out += line.find(words) != std::string::npos ? times : 0;
    }
    return out;
}

// An app that runs, and a manifest of it that came when there was no room left.
class Unwritable : public ::testing::Test {
  protected:
    Unwritable() {
        host.write("clock.yaml", to_text(SingleApp{}));
        host.start();
        host.advance(std::chrono::minutes(1));
        host.write("clock.yaml", edited);
        bar_version();
        disk.fail_from(1, fakes::DiskFault::Full);
    }

    // No file can be written where the accepted version is to be kept.
    void bar_version() {
        const manifests::Compiled compiled =
            manifests::compile({(host.manifests / "clock.yaml").string(), edited, {}});
        barred = host.config.paths.state_dir / "accepted" / "clock" /
                 (manifests::spec_hash(*compiled.app) + ".json");
        fs::create_directories(barred / "full");
    }

    void mend() {
        disk.mend();
        fs::remove_all(barred);
    }

    void make_passes(int count) {
        for (int i = 0; i < count; ++i) {
            host.pass();
            host.advance(std::chrono::seconds(1));
        }
    }

    fakes::FaultyDisk disk;
    Host host;
    const std::string edited = to_text(SingleApp{.zone = "CET"});
    fs::path barred;
};

TEST_F(Unwritable, IsToldOnceAndAtItsEndHowOftenItWasTried) {
    JournalOf while_it_lasts;
    make_passes(60);
    const Journal reported = while_it_lasts.end();
    EXPECT_EQ(count(reported, "cannot keep the effective version of clock"), 1);
    EXPECT_GT(count(reported, "database or disk is full"), 0);
    for (const auto& [line, times] : reported) {
        EXPECT_EQ(times, 1) << line;
    }
    JournalOf afterwards;
    mend();
    make_passes(10);
    const Journal end = afterwards.end();
    EXPECT_EQ(count(end, "the effective version of clock is kept, at try "), 1);
    EXPECT_EQ(count(end, "can be written again"), 1);
    EXPECT_EQ(host.podman->inspect("clock")["env"]["TZ"], "CET");
}

}  // namespace
}  // namespace podreeve::integration
