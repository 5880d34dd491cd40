#include "agent/reconcile/lookout.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <stdexcept>

#include <gtest/gtest.h>

#include "runtime/base/clock.h"

namespace podreeve::reconcile {
namespace {

using manifests::StartCondition;
using manifests::StartConditionKind;
using std::chrono::milliseconds;
using std::chrono::seconds;
using supervise::Assessment;
using supervise::ConditionOutcome;

constexpr seconds kPatience{60};
constexpr milliseconds kSoon{50};

Leaves paths(std::initializer_list<const char*> names) {
    Leaves leaves;
    for (const char* name : names) {
        StartCondition leaf;
        leaf.kind = StartConditionKind::Path;
        leaf.subject = name;
        leaves[{leaf.kind, name}] = leaf;
    }
    return leaves;
}

Leaves numbered(std::size_t count) {
    Leaves leaves;
    for (std::size_t i = 0; i < count; ++i) {
        StartCondition leaf;
        leaf.kind = StartConditionKind::Path;
        leaf.subject = std::to_string(i);
        leaves[{leaf.kind, leaf.subject}] = leaf;
    }
    return leaves;
}

const Assessment& of(const supervise::WorldFacts& facts, const char* name) {
    return facts.at({StartConditionKind::Path, name});
}

// A gate behind which looks hang until it is opened.
class Gate {
  public:
    void wait() {
        std::unique_lock lock(mutex_);
        ++waiting_;
        changed_.notify_all();
        changed_.wait(lock, [this] { return open_; });
    }

    // False when so many are not there within a broken test's patience.
    bool await(std::size_t number) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, kPatience, [&] { return waiting_ >= number; });
    }

    bool waiting(std::size_t number) {
        const std::lock_guard lock(mutex_);
        return waiting_ >= number;
    }

    void open() {
        const std::lock_guard lock(mutex_);
        open_ = true;
        changed_.notify_all();
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t waiting_ = 0;
    bool open_ = false;
};

TEST(Lookout, LooksAtAllSideBySide) {
    const auto gate = std::make_shared<Gate>();
    Lookout lookout([gate](const StartCondition&, std::stop_token) {
        gate->wait();
        return Assessment{};
    });
    std::jthread opener([gate] {
        EXPECT_TRUE(gate->await(3)) << "one waits for another";
        gate->open();
    });
    const auto facts = lookout.look(paths({"/a", "/b", "/c"}), kPatience, {});
    EXPECT_EQ(facts.size(), 3U);
    EXPECT_EQ(of(facts, "/c").outcome, ConditionOutcome::Met);
}

TEST(Lookout, WaitsForNoneThatHangsAndBeginsItNoSecondTime) {
    const auto gate = std::make_shared<Gate>();
    const auto looks = std::make_shared<std::atomic<int>>(0);
    {
        Lookout lookout([gate, looks](const StartCondition& leaf, std::stop_token) {
            if (leaf.subject == "/hangs") {
                ++*looks;
                gate->wait();
            }
            return Assessment{};
        });
        for (int pass = 0; pass < 3; ++pass) {
            const auto facts = lookout.look(paths({"/hangs", "/well"}), kSoon, {});
            EXPECT_EQ(of(facts, "/hangs").outcome, ConditionOutcome::Pending);
            EXPECT_EQ(of(facts, "/hangs").pending, "no answer within 50ms");
        }
        EXPECT_EQ(of(lookout.look(paths({"/well"}), kPatience, {}), "/well").outcome,
                  ConditionOutcome::Met);
        EXPECT_EQ(*looks, 1);
    }  // and its end waits for none either
    gate->open();
}

TEST(Lookout, KeepsTheLastAnswerOfWhatDoesNotComeButNotRightBeforeAStart) {
    const auto gate = std::make_shared<Gate>();
    const auto hangs = std::make_shared<std::atomic<bool>>(false);
    Lookout lookout([gate, hangs](const StartCondition&, std::stop_token) {
        if (*hangs) {
            gate->wait();
        }
        return Assessment{*hangs ? ConditionOutcome::Failed : ConditionOutcome::Met, ""};
    });
    const Leaves leaves = paths({"/a"});
    EXPECT_EQ(of(lookout.look(leaves, kPatience, {}), "/a").outcome, ConditionOutcome::Met);
    *hangs = true;
    EXPECT_EQ(of(lookout.look(leaves, kSoon, {}), "/a").outcome, ConditionOutcome::Met);
    EXPECT_EQ(of(lookout.look_now(leaves, kSoon, {}), "/a").outcome, ConditionOutcome::Pending);
    gate->open();
    EXPECT_EQ(of(lookout.look_now(leaves, kPatience, {}), "/a").outcome, ConditionOutcome::Failed);
}

TEST(Lookout, LooksAtMoreThanItHasThreadsFor) {
    Lookout lookout([](const StartCondition&, std::stop_token) { return Assessment{}; });
    for (const auto& [key, seen] :
         lookout.look(numbered(5 * Lookout::kMostThreads), kPatience, {})) {
        EXPECT_EQ(seen.outcome, ConditionOutcome::Met) << key.second;
    }
}

TEST(Lookout, LooksThatHangTakeNoThreadFromOthers) {
    const auto gate = std::make_shared<Gate>();
    Lookout lookout([gate](const StartCondition& leaf, std::stop_token) {
        if (leaf.subject != "/well") {
            gate->wait();
        }
        return Assessment{};
    });
    const Leaves hanging = numbered(2 * Lookout::kMostThreads);
    do {
        lookout.look(hanging, kSoon, {});
    } while (!gate->waiting(hanging.size()));
    lookout.look(hanging, kSoon, {});  // in vain, for each of them
    const auto facts = lookout.look_now(paths({"/well"}), kPatience, {});
    EXPECT_EQ(of(facts, "/well").outcome, ConditionOutcome::Met);
    gate->open();
    for (const auto& [key, seen] : lookout.look_now(hanging, kPatience, {})) {
        EXPECT_EQ(seen.outcome, ConditionOutcome::Met) << key.second;
    }
}

TEST(Lookout, TellsWhatALookThrowsAsItsAnswer) {
    Lookout lookout([](const StartCondition&, std::stop_token) -> Assessment {
        throw std::runtime_error("a fault");
    });
    EXPECT_EQ(of(lookout.look(paths({"/a"}), kPatience, {}), "/a").pending,
              "internal error: a fault");
}

TEST(Lookout, WaitsNoLongerWhenToldToStop) {
    const auto gate = std::make_shared<Gate>();
    Lookout lookout([gate](const StartCondition&, std::stop_token) {
        gate->wait();
        return Assessment{};
    });
    std::stop_source stop;
    std::jthread stopper([gate, stop]() mutable {
        gate->await(1);
        stop.request_stop();
    });
    EXPECT_EQ(of(lookout.look(paths({"/a"}), kPatience, stop.get_token()), "/a").outcome,
              ConditionOutcome::Pending);
    gate->open();
}

}  // namespace
}  // namespace podreeve::reconcile
