#include "agent/cli/table.h"

#include <gtest/gtest.h>

#include "agent/cli/output.h"
#include "runtime/base/clock.h"

namespace podreeve::cli {
namespace {

TEST(Table, ColumnsAreAsWideAsTheirWidestCellAndLinesEndWithoutBlanks) {
    Table table({"APP", "STATE", "MESSAGE"});
    table.add({{"web"}, {"Running", Colour::Green}, {""}});
    table.add({{"a-long-name"}, {"Failed", Colour::Red}, {"why"}});
    EXPECT_EQ(table.text(),
              "APP          STATE    MESSAGE\n"
              "web          Running  \n"
              "a-long-name  Failed   why\n");
}

TEST(Table, WidthsCountCharactersAndNotBytes) {
    Table table({"A", "B"});
    table.add({{"käse"}, {"1"}});
    table.add({{"four"}, {"2"}});
    EXPECT_EQ(table.text(), "A     B\nkäse  1\nfour  2\n");
}

TEST(Table, OneWithoutRowsIsItsHeader) {
    EXPECT_EQ(Table({"ID", "APP"}).text(), "ID  APP\n");
}

TEST(Output, ThereIsNoColourWhereThereIsNoTerminal) {
    EXPECT_EQ(paint("text", Colour::None), "text");
    EXPECT_EQ(paint("text", Colour::Red).find("text") == std::string::npos, false);
}

TEST(Output, AnAgeIsInOneUnitAndWhatIsNoTimeHasNone) {
    const WallTime now = SystemClock().system_now();
    EXPECT_EQ(age(to_rfc3339(now)), "now");
    EXPECT_EQ(age(to_rfc3339(now + std::chrono::hours(1))), "now") << "a clock that was set back";
    EXPECT_EQ(age(to_rfc3339(now - std::chrono::minutes(3) - std::chrono::seconds(1))), "3m");
    EXPECT_EQ(age(to_rfc3339(now - std::chrono::hours(49))), "2d");
    EXPECT_EQ(age(""), "-");
    EXPECT_EQ(age("yesterday"), "-");
}

}  // namespace
}  // namespace podreeve::cli
