#include "agent/api/writer.h"

#include <fcntl.h>
#include <thread>

#include <gtest/gtest.h>

#include "runtime/base/mutex.h"
#include "tests/unit/api/caller.h"

namespace podreeve::api {
namespace {

using std::chrono::milliseconds;
using testing::Caller;

// What a test wants said.
struct Script {
    std::string text;
    bool over = false;
};

class Scripted final : public Tail {
  public:
    explicit Scripted(std::shared_ptr<Guarded<Script>> script) : script_(std::move(script)) {}

    bool say(std::string& out, SteadyTime /*now*/) override {
        auto script = script_->lock();
        out += std::exchange(script->text, "");
        return !script->over;
    }

    SteadyTime next() const override { return SteadyTime::max(); }

    void end(std::string& out) override { out += "good bye"; }

  private:
    std::shared_ptr<Guarded<Script>> script_;
};

class WriterTest : public ::testing::Test {
  protected:
    Caller open(const std::string& head = "") {
        auto [caller, end] = Caller::pair();
        ::fcntl(end.get(), F_SETFL, O_NONBLOCK);
        auto connection = std::make_unique<Connection>();
        connection->socket = std::move(end);
        writer.add(std::move(connection), head, std::make_unique<Scripted>(script));
        return std::move(caller);
    }

    void notify(const std::string& text, bool over = false) {
        *script->lock() = {text, over};
        writer.wake()->notify();
    }

    void await_open(std::size_t count) {
        while (writer.open() != count) {
            std::this_thread::yield();
        }
    }

    std::shared_ptr<Guarded<Script>> script = std::make_shared<Guarded<Script>>();
    Writer writer{{.longest_stall = milliseconds(200), .last_words = milliseconds(200)}};
};

TEST_F(WriterTest, SendsTheHeadAndThenWhatIsSaid) {
    Caller caller = open("head ");
    EXPECT_EQ(caller.hear("head "), "head ");
    notify("one ");
    EXPECT_EQ(caller.hear("one"), "head one ");
    notify("two", true);
    EXPECT_TRUE(caller.is_let_go());
    EXPECT_EQ(caller.hear("two"), "head one two");
}

TEST_F(WriterTest, SaysGoodByeToAllWhenItCloses) {
    Caller first = open();
    Caller second = open();
    writer.close();
    EXPECT_EQ(first.hear("good bye"), "good bye");
    EXPECT_EQ(second.hear("good bye"), "good bye");
    EXPECT_TRUE(first.is_let_go());
}

TEST_F(WriterTest, LetsGoOfOneWhoTakesNothing) {
    Caller slow = open();
    notify(std::string(8 << 20, 'x'));
    await_open(0);
    EXPECT_TRUE(slow.is_let_go());
}

TEST_F(WriterTest, ASlowOneDelaysNobody) {
    Caller slow = open(std::string(8 << 20, 'x'));
    Caller quick = open("head");
    EXPECT_EQ(quick.hear("head"), "head");
}

TEST_F(WriterTest, NoticesWhoHasHungUp) {
    { const Caller gone = open("head"); }
    await_open(0);
    Caller next = open("again");
    EXPECT_EQ(next.hear("again"), "again");
}

TEST_F(WriterTest, WhatIsAddedToAClosedOneIsLetGo) {
    writer.close();
    Caller late = open("head");
    EXPECT_TRUE(late.is_let_go());
    EXPECT_EQ(late.hear("head"), "");
}

TEST_F(WriterTest, ClosesInTimeThoughSomebodyDoesNotRead) {
    Caller slow = open(std::string(8 << 20, 'x'));
    const SystemClock clock;
    const SteadyTime begun = clock.steady_now();
    writer.close();
    EXPECT_LT(clock.steady_now() - begun, std::chrono::seconds(5));
}

}  // namespace
}  // namespace podreeve::api
