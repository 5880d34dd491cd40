#include "agent/health/track.h"

#include <gtest/gtest.h>

namespace podreeve::health {
namespace {

using probe::Outcome;

// S, F and U: an answer each.
Track after(const std::string& results, int success = 1, int failure = 3) {
    Track track(success, failure);
    for (const char c : results) {
        const Outcome outcome = c == 'S'   ? Outcome::Success
                                : c == 'F' ? Outcome::Failure
                                           : Outcome::Unknown;
        const Tally before = track.tally();
        const bool changed = track.take({0, outcome, outcome == Outcome::Success ? "" : "closed"});
        EXPECT_EQ(changed, before != track.tally()) << results;
    }
    return track;
}

TEST(Track, HasARuleForEveryAnswerAndNoTwo) {
    for (const Outcome result : {Outcome::Success, Outcome::Failure, Outcome::Unknown}) {
        for (const bool enough : {true, false}) {
            int rules = 0;
            for (const TallyRule& rule : kRules) {
                rules += rule.result == result && rule.often_enough == enough ? 1 : 0;
            }
            EXPECT_EQ(rules, 1);
        }
    }
}

Outcome other(Outcome result) {
    return result == Outcome::Success ? Outcome::Failure : Outcome::Success;
}

// From Unproved, and from the status that the other answer led to.
TEST(Track, FollowsItsRulesFromEveryStanding) {
    for (const TallyRule& rule : kRules) {
        const int threshold = rule.often_enough ? 1 : 2;
        for (const bool proved : {false, true}) {
            Track track(threshold, threshold);
            for (int i = 0; proved && i < threshold; ++i) {
                track.take({0, other(rule.result), ""});
            }
            const Tally before = track.tally();
            EXPECT_EQ(before != Tally::Unproved, proved);
            track.take({0, rule.result, ""});
            EXPECT_EQ(track.tally(), rule.decides ? rule.then : before);
        }
    }
}

struct Row {
    std::string results;
    int success, failure;
    Tally tally;
};

TEST(Track, TakesAsManyInARowAsItsThresholds) {
    const Row rows[] = {
        {"", 1, 3, Tally::Unproved},
        {"S", 1, 3, Tally::Good},
        {"FF", 1, 3, Tally::Unproved},
        {"FFF", 1, 3, Tally::Bad},
        {"FFSFF", 1, 3, Tally::Good},
        {"SFF", 1, 3, Tally::Good},
        {"SFFF", 1, 3, Tally::Bad},
        {"SFFSFFSFF", 1, 3, Tally::Good},
        {"FFFS", 1, 3, Tally::Good},
        {"SS", 3, 3, Tally::Unproved},
        {"SSFSS", 3, 3, Tally::Unproved},
        {"SSS", 3, 3, Tally::Good},
        {"FFFSS", 3, 3, Tally::Bad},
        {"F", 1, 1, Tally::Bad},
        // Nobody is taken down because nobody could ask, and nobody is spared.
        {"SUUUUUUUU", 1, 3, Tally::Good},
        {"UUUU", 1, 1, Tally::Unproved},
        {"FUFUUF", 1, 3, Tally::Bad},
        {"SUS", 2, 1, Tally::Good},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(after(row.results, row.success, row.failure).tally(), row.tally) << row.results;
    }
}

TEST(Track, TellsTheLastTroubleAndHowOftenItCame) {
    const std::pair<std::string, std::string> rows[] = {{"", ""},
                                                        {"S", ""},
                                                        {"F", "closed (1 of 3)"},
                                                        {"SFF", "closed (2 of 3)"},
                                                        {"FFF", "closed"},
                                                        {"FFFF", "closed"},
                                                        {"FFFS", ""},
                                                        {"SU", "closed"}};
    for (const auto& [results, trouble] : rows) {
        EXPECT_EQ(after(results).trouble(), trouble) << results;
    }
}

}  // namespace
}  // namespace podreeve::health
