#include "runtime/base/diagnostic.h"

#include <gtest/gtest.h>

#include "runtime/base/nearest.h"
#include "tests/fakes/cpu_time.h"

namespace podreeve {
namespace {

TEST(Diagnostic, SaysWhereWhatAndWhatInstead) {
    const Diagnostic diagnostic{{"web.yaml", 7, 9},
                                "spec.containers[0].imge",
                                "unknown field",
                                "args, image, name",
                                "image",
                                Severity::Error};
    EXPECT_EQ(to_text(diagnostic),
              "web.yaml:7:9: spec.containers[0].imge: unknown field; allowed: args, image, name; "
              "did you mean 'image'?");
}

TEST(Diagnostic, LeavesOutWhatItDoesNotKnow) {
    EXPECT_EQ(to_text(Diagnostic{{"web.yaml", 0, 0}, "", "is empty", "", ""}),
              "web.yaml: is empty");
    EXPECT_EQ(to_text({{"web.yaml", 1, 2}, "", "is odd", "", "", Severity::Warning}),
              "web.yaml:1:2: warning: is odd");
}

// A key of a manifest may hold any character, and the words stand in a terminal.
TEST(Diagnostic, TellsForeignWordsOnOneLine) {
    EXPECT_EQ(to_text({{"a\n.yaml", 1, 2}, "spec.a\tb", "no '\x1b[2J'", "\xff", "x\r"}),
              R"(a\n.yaml:1:2: spec.a\tb: no '\x1b[2J'; allowed: \xff; did you mean 'x\r'?)");
}

TEST(Diagnostic, OnlyErrorsCountAsErrors) {
    EXPECT_FALSE(has_errors({}));
    EXPECT_FALSE(has_errors({{{}, "", "odd", "", "", Severity::Warning}}));
    EXPECT_TRUE(has_errors({{{}, "", "wrong", "", "", Severity::Error}}));
}

struct NearestCase {
    const char* word;
    const char* nearest;
};

TEST(NearestName, FindsWhatATypingSlipExplains) {
    const std::vector<std::string> names = {"image", "env", "command",
                                            "terminationGracePeriodSeconds", "resources"};
    const NearestCase cases[] = {{"imge", "image"},
                                 {"Image", "image"},
                                 {"iamge", "image"},
                                 {"comand", "command"},
                                 {"envs", "env"},
                                 {"terminationGracePeriodSecond", "terminationGracePeriodSeconds"},
                                 {"zzz", ""},
                                 {"", ""},
                                 {"ports", ""},
                                 {"x", ""},
                                 {"resource", "resources"}};
    for (const NearestCase& c : cases) {
        EXPECT_EQ(nearest_name(c.word, names), c.nearest) << c.word;
    }
}

TEST(NearestName, LetsAVeryLongWordBe) {
    EXPECT_EQ(nearest_name(std::string(100'000, 'a'), {std::string(100'000, 'a')}), "");
}

// Five thousand misspelt keys of one manifest are a matter of milliseconds.
TEST(NearestName, AWordOfAnotherLengthCostsNothing) {
    const std::vector<std::string> known(50, std::string(40, 'k'));
    const Duration begun = fakes::cpu_time();
    for (int i = 0; i < 5000; ++i) {
        EXPECT_EQ(nearest_name(std::string(64, 'x'), known), "");
    }
    EXPECT_LT(fakes::cpu_time() - begun, std::chrono::seconds(1));
    EXPECT_EQ(nearest_name("imagee", {"image"}), "image");
    EXPECT_EQ(nearest_name("restrtPolcy", {"restartPolicy"}), "restartPolicy");
}

}  // namespace
}  // namespace podreeve
