#include "runtime/base/diagnostic.h"

#include <gtest/gtest.h>

#include "runtime/base/nearest.h"

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

}  // namespace
}  // namespace podreeve
