#pragma once

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "manifests/source.h"
#include "tests/fakes/temp_dir.h"
#include "tests/unit/manifests/compiling.h"

// Manifest directories of a test's own, and a source on them.
namespace podreeve::manifests {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

// A clock far ahead of the files', so that their stamps are trusted and a scan may skip them.
class LateClock final : public Clock {
  public:
    SteadyTime steady_now() const override { return {}; }

    WallTime system_now() const override { return WallTime(std::chrono::hours(24 * 365 * 200)); }
};

// By which two looks are told apart: it stands still until a test moves it.
class LookClock final : public Clock {
  public:
    SteadyTime steady_now() const override { return now; }

    WallTime system_now() const override { return {}; }

    SteadyTime now{std::chrono::hours(1)};
};

inline std::string app_text(const std::string& id,
                            const std::string& image = "a:1",
                            const std::string& more = "") {
    return "app:\n  id: " + id + "\n  name: x\n  version: 1\n  container: {image: '" + image +
           "'}\n" + more;
}

class Source : public testing::Test {
  protected:
    // Root's own group has no other member, so that its writing is fine; that of users is not.
    static void give_to_group(const fs::path& path) {
        constexpr gid_t kUsers = 100;
        if (::geteuid() == 0) {
            EXPECT_EQ(::chown(path.c_str(), static_cast<uid_t>(-1), kUsers), 0);
        }
    }

    void SetUp() override {
        fs::create_directory(root_ / "a");
        fs::create_directory(root_ / "b");
        open();
    }

    // As a new start of the agent would.
    void open(std::shared_ptr<const Clock> clock = nullptr) {
        source_ = std::make_unique<ManifestSource>(
            SourceConfig{.directories = directories_,
                         .accepted_dir = root_ / "accepted",
                         .owner = ::getuid(),
                         .clock = std::move(clock),
                         .looks = looks_,
                         .boot_id = boot_,
                         .patience = {},  // rights are those of a thread
                         .volatile_below = root_ / "run"});
    }

    void write(const std::string& name, const std::string& text, mode_t mode = 0644) {
        fs::create_directories((root_ / name).parent_path());
        std::ofstream(root_ / name) << text;
        ::chmod((root_ / name).c_str(), mode);
    }

    void remove(const std::string& name) { fs::remove_all(root_ / name); }

    Words names() {
        Words out;
        desired_ = source_->scan();
        for (const auto& [name, app] : desired_.apps) {
            out.push_back(name + "=" + app->containers.at(0).image);
        }
        return out;
    }

    // After a second look, by which what is missing is gone.
    Words names_later(std::chrono::milliseconds later = std::chrono::seconds(2)) {
        names();
        looks_->now += later;
        return names();
    }

    // "web DirectoryOutOfSight"
    Words held() const {
        Words out;
        for (const auto& [app, held] : desired_.held) {
            out.push_back(app + " " + held.reason);
        }
        return out;
    }

    Words problems() const {
        Words out;
        for (const AppProblem& problem : desired_.problems) {
            for (const Diagnostic& diagnostic : problem.diagnostics) {
                std::string text = to_text(diagnostic);
                for (std::size_t at = text.find(root_.string()); at != std::string::npos;
                     at = text.find(root_.string())) {
                    text.erase(at, root_.string().size() + 1);
                }
                out.push_back(problem.app + "|" + text);
            }
        }
        return out;
    }

    fakes::TempDir temp_;
    fs::path root_ = temp_.path();
    std::shared_ptr<LookClock> looks_ = std::make_shared<LookClock>();
    std::string boot_ = "boot-1";
    std::vector<fs::path> directories_{root_ / "a", root_ / "b", root_ / "none"};
    std::unique_ptr<ManifestSource> source_;
    Desired desired_;
};

class Removal : public Source {
  protected:
    void write_apps(const Words& apps) {
        for (const std::string& app : apps) {
            write("a/" + app + ".yaml", app_text(app));
        }
        names();
    }

    Words apps() {
        names();
        Words out;
        for (const auto& [name, app] : desired_.apps) {
            out.push_back(name);
        }
        return out;
    }

    Words apps_later(std::chrono::milliseconds later = std::chrono::seconds(2)) {
        names();
        looks_->now += later;
        return apps();
    }
};

}  // namespace podreeve::manifests
