#include "quadlet/stamp.h"

#include <gtest/gtest.h>

namespace podreeve::quadlet {
namespace {

constexpr std::string_view kSource = "# mine\n[Container]\nImage=a \\\n  # why\n  b\n";

TEST(Stamp, StandsAroundTheBytesOfTheSource) {
    const auto text = stamped(kSource, "shop", 3);
    ASSERT_TRUE(text) << text.error().message;
    EXPECT_EQ(
        *text,
        "# Kept by podreeve for the app shop: edit its manifest instead, changes made here are "
        "undone.\n" +
            std::string(kSource) +
            "\n[X-Podreeve]\nApp=shop\nGeneration=3\nHash=" + content_hash(kSource) + "\n");
    EXPECT_EQ(*text, *stamped(kSource, "shop", 3));
    EXPECT_TRUE(UnitFile::parse(*text).errors.empty());
}

TEST(Stamp, IsReadBackFromEverySoundSource) {
    for (const std::string_view source :
         {kSource, std::string_view(), std::string_view("[A]"), std::string_view("[A]\nK=v"),
          std::string_view("[A]\nK=v\\"), std::string_view("# only\n\n\n"),
          std::string_view("\n")}) {
        const auto text = stamped(source, "shop", 18446744073709551615U);
        ASSERT_TRUE(text) << source;
        const auto stamp = read_stamp(*text);
        ASSERT_TRUE(stamp && *stamp) << *text;
        EXPECT_EQ((*stamp)->app, "shop");
        EXPECT_EQ((*stamp)->generation, 18446744073709551615U);
        EXPECT_TRUE(is_untouched(*text)) << *text;
    }
}

TEST(Stamp, TellsEveryByteThatWasChanged) {
    const std::string text = *stamped(kSource, "shop", 3);
    for (std::size_t i = 0; i < text.size(); ++i) {
        std::string edited = text;
        edited[i] = edited[i] == 'x' ? 'y' : 'x';
        EXPECT_FALSE(is_untouched(edited)) << i << "\n" << edited;
        EXPECT_FALSE(is_untouched(text.substr(0, i))) << i;
    }
    EXPECT_FALSE(is_untouched(text + "\n"));
}

TEST(Stamp, OfSomebodyElsesFileIsNone) {
    const auto none = read_stamp(kSource);
    ASSERT_TRUE(none);
    EXPECT_FALSE(*none);
    EXPECT_FALSE(is_untouched(kSource));
}

TEST(Stamp, ThatWasDamagedIsSaidToBeSo) {
    const std::string text = *stamped(kSource, "shop", 3);
    const std::string cut = text.substr(0, text.find("[X-Podreeve]"));
    std::string number = text;
    number.replace(number.find("Generation=3"), 12, "Generation=-");
    for (const std::string& damaged : {cut, number}) {
        const auto stamp = read_stamp(damaged);
        ASSERT_FALSE(stamp) << damaged;
        EXPECT_EQ(stamp.error().code, Code::Corrupt);
    }
}

TEST(Stamp, NamesTheAgentWhoseFileItIs) {
    const std::string named = *stamped(kSource, "shop", 3, "0123456789abcdef");
    EXPECT_TRUE(is_untouched(named));
    EXPECT_EQ((*read_stamp(named))->owner, "0123456789abcdef");
    const std::string unnamed = *stamped(kSource, "shop", 3);
    const std::string damaged = unnamed.substr(0, unnamed.find("[X-Podreeve]"));

    const struct {
        std::string text;
        StampOwner owner;
        bool ours;
    } kRows[] = {
        {named, {"0123456789abcdef", true}, true},
        {named, {"0123456789abcdef", false}, true},
        {named, {"fedcba9876543210", true}, false},
        {unnamed, {"0123456789abcdef", true}, true},
        {unnamed, {"0123456789abcdef", false}, false},
        {damaged, {"0123456789abcdef", true}, true},
        {damaged, {"0123456789abcdef", false}, false},
        {std::string(kSource), {"0123456789abcdef", true}, false},
    };

    for (const auto& row : kRows) {
        EXPECT_EQ(is_stamped_by(row.text, row.owner), row.ours)
            << row.owner.id << row.owner.takes_unnamed << row.text;
    }
}

TEST(Stamp, IsNotPutOnWhatCannotCarryIt) {
    EXPECT_FALSE(stamped("oops\n", "shop", 1));
    EXPECT_FALSE(stamped(*stamped(kSource, "shop", 1), "shop", 2));
    EXPECT_FALSE(stamped(kSource, "", 1));
    EXPECT_FALSE(stamped(kSource, "a\nb", 1));
    EXPECT_FALSE(stamped(kSource, "[X-Podreeve]", 1));
}

}  // namespace
}  // namespace podreeve::quadlet
