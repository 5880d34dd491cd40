#include <gtest/gtest.h>

#include "agent/supervise/supervisor.h"
#include "tests/fakes/fake_time.h"
#include "tests/fakes/temp_dir.h"

// A decision that is asked for and not applied leaves the supervisor as it was.
namespace podreeve::supervise {
namespace {

using std::chrono::seconds;

// Seven crash loops whose backoff has ended, of which five may be started at once.
class Preview : public ::testing::Test {
  protected:
    Preview() {
        state_ = std::move(*state::State::open(temp_.path(), time_));
        supervisor_ =
            std::make_unique<Supervisor>(*state_, time_, [](auto&&...) { return nullptr; });
        for (int i = 0; i < 7; ++i) {
            add("app" + std::to_string(i));
        }
    }

    void add(const std::string& name) {
        auto spec = std::make_shared<manifests::AppSpec>();
        spec->name = name;
        manifests::ContainerSpec container;
        container.part = container.name = name;
        spec->containers.push_back(container);
        desired_.apps[name] = spec;
        podman::ContainerSummary ended;
        ended.id = "id-" + name;
        ended.name = name;
        ended.state = podman::ContainerState::Exited;
        ended.started = ended.exited = time_.system_now() - seconds(60);
        ended.labels = {{observe::kLabelApp, name},
                        {observe::kLabelPart, name},
                        {observe::kLabelOwner, state_->owner()}};
        observed_.containers.push_back(ended);
        AppMemory memory;
        memory.restarts[name] = {5, 5, exit_key(ended), time_.system_now() - seconds(1)};
        EXPECT_TRUE(state_->edit_app(
            name, [&](state::AppRecord& record) { record.extra = to_extra(memory); }));
    }

    static std::size_t held(const Prepared& prepared) {
        std::size_t count = 0;
        for (const auto& [name, policy] : prepared.policy.apps) {
            count += policy.parts.empty() ? 0 : 1;
        }
        return count;
    }

    fakes::TempDir temp_;
    fakes::FakeTime time_;
    std::unique_ptr<state::State> state_;
    std::unique_ptr<Supervisor> supervisor_;
    manifests::Desired desired_;
    observe::Observed observed_;
};

TEST_F(Preview, TakesNoTokenAndWritesNoRow) {
    const std::uint64_t rows = state_->rows_written();
    for (int asked = 0; asked < 1000; ++asked) {
        ASSERT_EQ(held(supervisor_->preview(desired_, observed_, {}, {}, {})), 2U) << asked;
    }
    EXPECT_EQ(state_->rows_written(), rows);
    EXPECT_FALSE(supervisor_->next_decision());
    EXPECT_EQ(held(supervisor_->prepare(desired_, observed_, {})), 2U);
    EXPECT_GT(state_->rows_written(), rows);
    EXPECT_TRUE(supervisor_->next_decision());
    EXPECT_EQ(held(supervisor_->prepare(desired_, observed_, {})), 7U) << "they are taken by now";
}

}  // namespace
}  // namespace podreeve::supervise
