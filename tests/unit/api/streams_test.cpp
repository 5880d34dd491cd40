#include <future>

#include <gtest/gtest.h>

#include "tests/unit/api/serving.h"

namespace podreeve::api {
namespace {

using testing::Answer;
using testing::Serving;

using Ids = std::vector<std::int64_t>;

TEST(Events, AreListedFromANumberOnAndByApp) {
    Serving serving;
    serving.add_event("web", "Starting");
    serving.add_event("db", "Starting");
    serving.add_event("web", "Running");
    Answer reply = serving.get("/v1/events");
    EXPECT_EQ(reply.body.at("events").size(), 3U);
    EXPECT_EQ(reply.body["last_seq"], serving.state->last_event_seq());
    const std::int64_t first = reply.body["events"][0]["seq"];
    reply = serving.get("/v1/events?since=" + std::to_string(first) + "&app=web");
    ASSERT_EQ(reply.body.at("events").size(), 1U);
    EXPECT_EQ(reply.body["events"][0]["state"], "Running");
}

TEST(Events, OfAnAppThatNobodyKnowsAreAnError) {
    Serving serving;
    serving.add_event("gone", "Removed");
    EXPECT_EQ(serving.get("/v1/events?app=gone").status, 200);
    for (const char* target : {"/v1/events?app=nope", "/v1/events?app=nope&follow=1"}) {
        const Answer reply = serving.get(target);
        EXPECT_EQ(reply.status, 404) << target;
        EXPECT_EQ(reply.message().rfind("cannot find app nope", 0), 0U) << reply.message();
    }
}

TEST(Events, AStreamTellsWhatWasAndThenWhatHappens) {
    Serving serving;
    serving.add_event("web", "Starting");
    const std::int64_t seq = serving.state->last_event_seq();
    auto stream =
        std::async(std::launch::async, [&] { return serving.follow("/v1/events?follow=1", 2); });
    serving.add_event("web", "Running");
    EXPECT_EQ(stream.get(), (Ids{seq, seq + 1}));
}

TEST(Events, AStreamOfOneAppLeavesTheOthersOut) {
    Serving serving;
    serving.add_event("web", "Starting");
    serving.add_event("db", "Starting");
    serving.add_event("web", "Running");
    const std::int64_t last = serving.state->last_event_seq();
    EXPECT_EQ(serving.follow("/v1/events?follow=1&app=web", 2), (Ids{last - 2, last}));
}

TEST(Events, AClientThatComesBackGoesOnAfterTheLastItHasSeen) {
    Serving serving;
    for (int i = 0; i < 4; ++i) {
        serving.add_event("web", "Running");
    }
    const std::int64_t last = serving.state->last_event_seq();
    EXPECT_EQ(serving.follow("/v1/events?follow=1&since=0", 2, std::to_string(last - 2)),
              (Ids{last - 1, last}));
}

TEST(Events, TheEndOfTheServerEndsItsStreams) {
    Serving serving;
    serving.add_event("web", "Running");
    auto stream =
        std::async(std::launch::async, [&] { return serving.follow("/v1/events?follow=1", 100); });
    auto other =
        std::async(std::launch::async, [&] { return serving.follow("/v1/events?follow=1", 1); });
    EXPECT_EQ(other.get().size(), 1U);
    serving.server.reset();
    EXPECT_LE(stream.get().size(), 1U);
}

// A Unix socket refuses those for whom there is no room to wait.
TEST(Events, ManyThatComeAtOnceAreAllServed) {
    Serving serving;
    std::vector<std::future<int>> replies;
    for (int i = 0; i < 40; ++i) {
        replies.push_back(
            std::async(std::launch::async, [&] { return serving.get("/v1/version").status; }));
    }
    for (auto& reply : replies) {
        EXPECT_EQ(reply.get(), 200);
    }
}

}  // namespace
}  // namespace podreeve::api
