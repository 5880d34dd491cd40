#include "quadlet/words.h"

#include <gtest/gtest.h>

namespace podreeve::quadlet {
namespace {

using Words = std::vector<std::string>;

struct SplitCase {
    std::string_view value;
    Words words;
};

TEST(Words, SplitAsSystemdSplits) {
    const SplitCase cases[] = {
        {"", {}},
        {"   \t ", {}},
        {"one", {"one"}},
        {"  one   two\tthree ", {"one", "two", "three"}},
        {R"("two words" 'and "these"')", {"two words", "and \"these\""}},
        {R"(a"b c"d)", {"ab cd"}},
        {R"("" '' x)", {"", "", "x"}},
        {R"("a"'b')", {"ab"}},
        {R"(a\sb)", {"a b"}},
        {R"("tab\there" 'new\nline')", {"tab\there", "new\nline"}},
        {R"(\a\b\f\n\r\t\v\\\"\'\s)", {"\a\b\f\n\r\t\v\\\"' "}},
        {R"(\x41\102\u20ac\U0001F600)", {"AB\xE2\x82\xAC\xF0\x9F\x98\x80"}},
        {R"(\u00e4\u0041)",
         {"\xC3\xA4"
          "A"}},
        {R"('it\'s')", {"it's"}},
        {"%n $FOO ${BAR}", {"%n", "$FOO", "${BAR}"}},
        {"\xC3\xA4 b", {"\xC3\xA4", "b"}},
    };
    for (const SplitCase& each : cases) {
        const auto words = split_words(each.value);
        ASSERT_TRUE(words) << each.value << ": " << words.error().message;
        EXPECT_EQ(*words, each.words) << each.value;
    }
}

TEST(Words, RefuseWhatSystemdRefuses) {
    const std::pair<std::string_view, int> cases[] = {
        {R"(a "b)", 3},       {R"('never closed)", 1}, {R"(a\)", 2},     {R"("a\)", 3},
        {R"(a \q)", 3},       {R"(\x4)", 1},           {R"(\xzz)", 1},   {R"(\x00)", 1},
        {R"(\400)", 1},       {R"(\000)", 1},          {R"(\12)", 1},    {R"(\ud800)", 1},
        {R"(\U00110000)", 1}, {R"(\u12)", 1},          {R"(\u0000)", 1}, {R"(a\ b)", 2},
    };
    for (const auto& [value, column] : cases) {
        const auto words = split_words(value);
        ASSERT_FALSE(words) << value;
        EXPECT_EQ(words.error().code, Code::InvalidArgument);
        EXPECT_TRUE(words.error().message.ends_with("at column " + std::to_string(column)))
            << words.error().message;
    }
}

TEST(Words, QuoteOnlyWhereNeeded) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"plain", "plain"},
        {"--flag=value,with:colons", "--flag=value,with:colons"},
        {"", "\"\""},
        {"two words", "\"two words\""},
        {"it's", "\"it's\""},
        {"say \"hi\"", "\"say \\\"hi\\\"\""},
        {"back\\slash", "\"back\\\\slash\""},
        {"line\nbreak", "\"line\\x0abreak\""},
        {"#x", "\"#x\""},
        {"a#x", "a#x"},
        {"\xC3\xA4", "\xC3\xA4"},
        {"\xFF", "\"\\xff\""},
    };
    for (const auto& [word, quoted] : cases) {
        const auto result = quote_word(word);
        ASSERT_TRUE(result);
        EXPECT_EQ(*result, quoted);
    }
}

TEST(Words, ComeBackFromQuotingAsTheyWere) {
    Words words{"",    " ", "\t", "a b",           "'",  "\"", "\\",
                "\\n", "#", ";",  "\xC3\xA4 \xFF", "%n", "$x"};
    std::string every_byte;
    for (int c = 1; c < 256; ++c) {
        words.push_back(std::string(1, static_cast<char>(c)));
        every_byte += static_cast<char>(c);
    }
    words.push_back(every_byte);
    const auto joined = join_words(words);
    ASSERT_TRUE(joined);
    EXPECT_EQ(joined->find('\n'), std::string::npos);
    const auto split = split_words(*joined);
    ASSERT_TRUE(split) << split.error().message;
    EXPECT_EQ(*split, words);
}

TEST(Words, CannotHoldANulByte) {
    const auto quoted = quote_word(std::string_view("a\0b", 3));
    ASSERT_FALSE(quoted);
    EXPECT_EQ(quoted.error().code, Code::InvalidArgument);
}

}  // namespace
}  // namespace podreeve::quadlet
