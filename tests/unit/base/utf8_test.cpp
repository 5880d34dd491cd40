#include "runtime/base/utf8.h"

#include <utility>

#include <gtest/gtest.h>

namespace podreeve {
namespace {

TEST(Utf8, FindsTheFirstFlaw) {
    EXPECT_FALSE(find_text_flaw("plain\ttext\r\n\xC3\xA9 \xF0\x9F\x98\x80"));
    const std::pair<std::string, std::size_t> cases[] = {{std::string("a\0b", 3), 1},
                                                         {"ab\x1B", 2},
                                                         {"\x80", 0},
                                                         {"a\xC3", 1},
                                                         {"\xC0\x80", 0},
                                                         {"\xE0\x80\x80", 0},
                                                         {"\xED\xA0\x80", 0},
                                                         {"\xF5\x80\x80\x80", 0},
                                                         {"\xF0\x80\x80\x80", 0},
                                                         {"\xF4\x90\x80\x80", 0}};
    for (const auto& [text, offset] : cases) {
        const auto flaw = find_text_flaw(text);
        ASSERT_TRUE(flaw) << text;
        EXPECT_EQ(flaw->offset, offset);
    }
}

TEST(CleanText, LeavesWordsAsTheyAre) {
    for (const char* text : {"", "connection refused", "tschüß 漢字 😀", "a\\b"}) {
        EXPECT_EQ(clean_text(text), text);
    }
}

TEST(CleanText, ShowsWhatIsNoText) {
    const std::pair<std::string, std::string> cases[] = {
        {"\xFF\n", R"(\xff\n)"},
        {"half \xC3", R"(half \xc3)"},
        {"\xE2\x82 more", R"(\xe2\x82 more)"},
        {std::string("a\0b", 3), R"(a\x00b)"},
        {"\x1B[31mred\x7F", R"(\x1b[31mred\x7f)"},
        {"a\tb\r", R"(a\tb\r)"},
        {"\xC2\x85next\xC2\x9B", R"(\u0085next\u009b)"},
        {"\xC2\xA0", "\xC2\xA0"},
        {"\xED\xA0\x80", R"(\xed\xa0\x80)"},
    };
    for (const auto& [bytes, text] : cases) {
        EXPECT_EQ(clean_text(bytes), text);
        EXPECT_FALSE(find_text_flaw(clean_text(bytes)));
    }
}

TEST(CleanText, IsCutBetweenCharacters) {
    EXPECT_EQ(clean_text("abcdef", 3), "abc");
    EXPECT_EQ(clean_text("abé", 4), "abé");
    EXPECT_EQ(clean_text("abé", 3), "ab");
    EXPECT_EQ(clean_text("ab\xFF", 5), "ab");
    EXPECT_EQ(clean_text("ab\xFF", 6), R"(ab\xff)");
    EXPECT_EQ(clean_text("😀", 3), "");
    EXPECT_EQ(clean_text("x", 0), "");
}

TEST(CleanText, OfAnyBytesIsAText) {
    for (unsigned first = 0; first < 256; ++first) {
        for (unsigned second = 0; second < 256; ++second) {
            const std::string bytes{static_cast<char>(first), static_cast<char>(second), 'x'};
            for (const std::size_t limit : {std::size_t{1}, std::size_t{5}, std::size_t{20}}) {
                const std::string text = clean_text(bytes, limit);
                ASSERT_FALSE(find_text_flaw(text)) << first << " " << second;
                ASSERT_LE(text.size(), limit);
            }
        }
    }
}

}  // namespace
}  // namespace podreeve
