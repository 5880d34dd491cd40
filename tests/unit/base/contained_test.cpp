#include "runtime/base/contained.h"

#include <new>
#include <stdexcept>

#include <gtest/gtest.h>

#include "runtime/base/log.h"

namespace podreeve {
namespace {

TEST(Contained, TellsWhatWasThrown) {
    int ran = 0;
    EXPECT_EQ(contained([&] { ++ran; }), std::nullopt);
    EXPECT_EQ(ran, 1);
    EXPECT_EQ(contained([] { throw std::runtime_error("no \xFF\n more"); }), R"(no \xff\n more)");
    EXPECT_EQ(contained([] { throw std::bad_alloc(); }), "std::bad_alloc");
    EXPECT_EQ(contained([] { throw 7; }), "?");
}

TEST(Contained, KeepsOnlyTheBeginningOfManyWords) {
    const auto thrown = contained([] { throw std::runtime_error(std::string(100'000, 'x')); });
    ASSERT_TRUE(thrown);
    EXPECT_EQ(thrown->size(), 500U);
}

TEST(Contained, OrTellsTheJournal) {
    EXPECT_TRUE(contained_or_logged("a test", [] {}));
    EXPECT_FALSE(contained_or_logged("a test", [] { throw std::runtime_error("as wanted"); }));
}

}  // namespace
}  // namespace podreeve
