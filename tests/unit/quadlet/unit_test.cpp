#include "quadlet/unit.h"

#include <gtest/gtest.h>

#include "tests/unit/quadlet/units.h"

namespace podreeve::quadlet {
namespace {

using Words = std::vector<std::string>;

TEST(Unit, IsItsFileWithItsDropInsBehind) {
    const auto read = Unit::read({"/q/web.container", "[Container]\nImage=a\nLabel=1\n"},
                                 {{"/q/web.container.d/a.conf", "[Container]\nLabel=2\n"},
                                  {"/q/container.d/b.conf", "[Container]\nImage=b\n[Unit]\n"}});
    ASSERT_TRUE(read.unit) << text_of(read.problems);
    const Unit& unit = *read.unit;
    EXPECT_EQ(unit.file_name(), "web.container");
    EXPECT_EQ(unit.folder(), "/q");
    EXPECT_EQ(unit.type(), UnitType::Container);
    EXPECT_EQ(unit.value("Container", "Image"), "b");
    EXPECT_EQ(unit.list("Container", "Label"), (Words{"1", "2"}));
    EXPECT_EQ(unit.path_of(*unit.find("Container", "Image")), "/q/container.d/b.conf");
    EXPECT_TRUE(unit.has_section("Unit"));
    EXPECT_FALSE(unit.has_section("Service"));
}

TEST(Unit, TellsTheErrorsOfAllItsFilesAtOnce) {
    const auto read = Unit::read({"/q/we b.container", "oops\n"},
                                 {{"/q/container.d/b.conf", "[Container]\nImage=a\nwrong\n"}});
    EXPECT_FALSE(read.unit);
    EXPECT_EQ(
        text_of(read.problems),
        "we b.container: cannot use 'we b.container' as a Quadlet file: a unit's name has only "
        "letters, digits and :-_.\\\n"
        "we b.container:1:1: this is not a section, an assignment or a comment; a "
        "line that goes on ends with a backslash\n"
        "container.d/b.conf:3:1: this is not a section, an assignment or a "
        "comment; a line that goes on ends with a backslash\n");
}

TEST(Unit, ReadsValuesAsTheGeneratorDoes) {
    const Unit unit = unit_of("a.container",
                              "[Container]\nPlain= \"in quotes\" \nHalf=\"a\" \"b\nEmpty=\n"
                              "Yes=ON\nNo=nonsense\n"
                              "Words=a\\x20b \"c d\"\nWords='e f'\n"
                              "Pairs=A=1 \"B=x y\" A=2\nPairs=C D=\n"
                              "List=1\nList=\nList=2\nBad=a\\qb\nBad=c\n");
    EXPECT_EQ(unit.value("Container", "Plain"), "in quotes");
    EXPECT_EQ(unit.value("Container", "Half"), "\"a\" \"b");
    EXPECT_EQ(unit.value("Container", "Empty"), "");
    EXPECT_EQ(unit.value("Container", "None"), std::nullopt);
    EXPECT_EQ(unit.flag("Container", "Yes"), true);
    EXPECT_EQ(unit.flag("Container", "No"), false);
    EXPECT_EQ(unit.flag("Container", "None"), std::nullopt);
    EXPECT_EQ(unit.words("Container", "Words"), (Words{"a\\x20b", "c d", "e f"}));
    EXPECT_EQ(unit.arguments("Container", "Words"), (Words{"a b", "c d", "e f"}));
    EXPECT_EQ(unit.last_arguments("Container", "Words"), (Words{"e f"}));
    const std::map<std::string, std::optional<std::string>> pairs = {
        {"A", "2"}, {"B", "x y"}, {"C", std::nullopt}, {"D", ""}};
    EXPECT_EQ(unit.pairs("Container", "Pairs"), pairs);
    EXPECT_EQ(unit.list("Container", "List"), (Words{"2"}));
    EXPECT_EQ(unit.arguments("Container", "Bad"), (Words{"c"}));
}

}  // namespace
}  // namespace podreeve::quadlet
