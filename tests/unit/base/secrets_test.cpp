#include "runtime/base/secrets.h"

#include <gtest/gtest.h>

#include "runtime/base/utf8.h"

namespace podreeve {
namespace {

struct Row {
    const char* name;
    std::string said;
    std::vector<std::string> secrets;
    std::string shown;
};

void expect_shown(const std::vector<Row>& rows) {
    for (const Row& row : rows) {
        EXPECT_EQ(without_secrets(row.said, row.secrets), row.shown) << row.name;
    }
}

TEST(WithoutSecrets, LeavesNoneInWhateverWayItIsWritten) {
    expect_shown({
        {"as it is", "PASS=hunter2!", {"hunter2"}, "PASS=[secret]!"},
        {"quoted by %q", R"(bad "hun\"ter\\2\nx")", {"hun\"ter\\2\nx"}, R"(bad "[secret]")"},
        {"a control character",
         R"(bad "ab\x01c")",
         {"ab\x01"
          "c"},
         R"(bad "[secret]")"},
        {"JSON within JSON",
         R"(got {"p":"a\u003cb\u0026c"})",
         {"a<b&c"},
         R"(got {"p":"[secret]"})"},
        {"cleaned", clean_text("no 'a\nb\xFF\x1B' here"), {"a\nb\xFF\x1B"}, "no '[secret]' here"},
        {"signs of a regular expression",
         "no a.*[b]+$ in axx[b]",
         {"a.*[b]+$"},
         "no [secret] in axx[b]"},
        {"a line of it",
         "at 'line-two-of-it'",
         {"line-one-of-it\nline-two-of-it\n"},
         "at '[secret]'"},
        {"without the newline behind it",
         "app-hunter2 not found",
         {"hunter2\n"},
         "app-[secret] not found"},
    });
}

TEST(WithoutSecrets, LeavesNoRestOfThoseThatMeet) {
    expect_shown({
        {"the shorter first", "is hunter2-long", {"hunter2", "hunter2-long"}, "is [secret]"},
        {"the longer first", "is hunter2-long", {"hunter2-long", "hunter2"}, "is [secret]"},
        {"two that overlap", "is abcdefghi", {"abcdef", "defghi"}, "is [secret]"},
        {"one over itself", "is ababababa.", {"ababa"}, "is [secret]."},
        {"one after the other", "is abcdabcd.", {"abcd"}, "is [secret]."},
        {"several", "alpha and omega", {"omega", "alpha"}, "[secret] and [secret]"},
        {"the word of the mark", "a secret is", {"secret"}, "a [secret] is"},
    });
}

TEST(WithoutSecrets, TakesTheBeginningOfOneAtTheEndForOneThatWasCutOff) {
    expect_shown({
        {"most of it", "no app-TOPSECR", {"TOPSECRET42"}, "no app-[secret]"},
        {"of its cleaned form", R"(no app-TOP\nSEC)", {"TOP\nSECRET"}, "no app-[secret]"},
        {"too little to tell", "no app-TOP", {"TOPSECRET42"}, "no app-TOP"},
    });
}

TEST(WithoutSecrets, LooksForNoneShorterThanFour) {
    expect_shown({
        {"short ones", "A=1 abc", {"1", "", "abc", "   \n"}, "A=1 abc"},
        {"four", "A=abcd", {"abcd"}, "A=[secret]"},
        {"no text", "", {"abcd"}, ""},
        {"no secrets", "A=abcd", {}, "A=abcd"},
    });
}

}  // namespace
}  // namespace podreeve
