#include "agent/handlers/spec_book.h"

#include <gtest/gtest.h>

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
