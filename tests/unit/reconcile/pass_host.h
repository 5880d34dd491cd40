#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <stdexcept>

#include <gtest/gtest.h>

#include "agent/reconcile/pass.h"
#include "tests/fakes/fake_podman/fake_podman.h"
#include "tests/fakes/fake_time.h"
#include "tests/fakes/temp_dir.h"

namespace podreeve::reconcile {

// A clock that can be told to throw, where the pass asks it what time it is.
class FaultyClock final : public Clock {
  public:
    explicit FaultyClock(const Clock& time) : time_(time) {}

    SteadyTime steady_now() const override { return time_.steady_now(); }

    WallTime system_now() const override {
        if (throws) {
            throw std::runtime_error("no time \xFF");
        }
        return time_.system_now();
    }

    std::atomic<bool> throws = false;

  private:
    const Clock& time_;
};

// All that a pass works with, on a fake podman and fake time.
class PassHost : public ::testing::Test {
  protected:
    PassHost() {
        state_ = std::move(*state::State::open(directory_ / "state", time_));
        source_ = std::make_unique<manifests::ManifestSource>(manifests::SourceConfig{
            {directory_ / "apps"}, directory_ / "accepted", ::geteuid(), nullptr});
        supervisor_ = std::make_unique<supervise::Supervisor>(*state_, time_,
                                                              [](auto&&...) { return nullptr; });
        versions_ = std::make_unique<KeptVersions>(*source_, specs_, *state_);
    }

    PassWorld world() {
        return {*source_, client_, *state_,    *supervisor_, specs_,
                clock_,   health_, *versions_, lookout_};
    }

    fakes::TempDir temp_;
    std::filesystem::path directory_ = temp_.path();
    fakes::FakeTime time_;
    FaultyClock clock_{time_};
    fakes::FakePodman podman_;
    podman::Client client_{podman_.socket_path()};
    std::unique_ptr<state::State> state_;
    std::unique_ptr<manifests::ManifestSource> source_;
    std::unique_ptr<supervise::Supervisor> supervisor_;
    handlers::SpecBook specs_;
    std::unique_ptr<KeptVersions> versions_;
    Lookout lookout_{client_, ""};
    health::Monitor health_{{}, time_, time_, [](auto&&...) {}};
};

}  // namespace podreeve::reconcile
