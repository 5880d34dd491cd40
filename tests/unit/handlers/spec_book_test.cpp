#include "agent/handlers/spec_book.h"

#include <gtest/gtest.h>

#include "tests/fakes/fake_time.h"

namespace podreeve::handlers {

namespace {

SpecBook::Spec spec(const std::string& app, const std::string& version) {
    auto made = std::make_shared<manifests::AppSpec>();
    made->name = app;
    made->version = version;
    return made;
}

TEST(SpecBook, FindsWhatWasPutInByAppAndHash) {
    SpecBook book;
    const auto web = spec("web", "1"), db = spec("db", "1");
    book.put("h1", web);
    book.put("h1", db);
    EXPECT_EQ(book.find("web", "h1"), web);
    EXPECT_EQ(book.find("db", "h1"), db);
    EXPECT_EQ(book.find("web", "h2"), nullptr);
    EXPECT_EQ(book.find("other", "h1"), nullptr);
}

TEST(SpecBook, AsksTheFallbackOnceForWhatItDoesNotHave) {
    int asked = 0;
    const auto old = spec("web", "0");
    SpecBook book([&](const std::string& app, const std::string& hash) -> SpecBook::Spec {
        ++asked;
        return app == "web" && hash == "h0" ? old : nullptr;
    });
    EXPECT_EQ(book.find("web", "h0"), old);
    EXPECT_EQ(book.find("web", "h0"), old);
    EXPECT_EQ(asked, 1);
    EXPECT_EQ(book.find("web", "h9"), nullptr);
}

// The supervisor asks with its lock held, which the loop may wait for.
TEST(SpecBook, TellsTheDiskWhoWaitsForWhatIsKeptOnIt) {
    fakes::FakeTime time;
    DiskWaits disk(time, "/state", Duration{});
    int called = 0;
    disk.on_turn([&] { ++called; });
    std::string trouble;
    SpecBook book(
        [&](const std::string&, const std::string&) {
            time.advance(std::chrono::seconds(40));
            disk.look();
            trouble = disk.trouble();
            return spec("web", "0");
        },
        &disk);
    book.put("h1", spec("web", "1"));
    book.find("web", "h1");
    EXPECT_EQ(called, 0) << "that one is in memory";
    EXPECT_NE(book.find("web", "h0"), nullptr);
    EXPECT_EQ(called, 1);
    EXPECT_NE(trouble.find("the disk of /state has not answered for 40s"), std::string::npos)
        << trouble;
    EXPECT_EQ(disk.trouble(), "") << "it has answered";
}

TEST(SpecBook, KeepsTheNewestThreeOfAnApp) {
    SpecBook book;
    for (const char* hash : {"h1", "h2", "h3", "h1", "h4"}) {
        book.put(hash, spec("web", hash));
    }
    EXPECT_EQ(book.find("web", "h2"), nullptr);
    EXPECT_NE(book.find("web", "h1"), nullptr) << "it was put in again after h2";
    EXPECT_NE(book.find("web", "h3"), nullptr);
    EXPECT_NE(book.find("web", "h4"), nullptr);
    book.forget("web");
    EXPECT_EQ(book.find("web", "h4"), nullptr);
}

}  // namespace

}  // namespace podreeve::handlers
