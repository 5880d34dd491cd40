#include "agent/health/track.h"

#include <gtest/gtest.h>

namespace podreeve::health {
namespace {

using probe::Outcome;

// S, F and U: an answer each.
Track after(const std::string& answers, int success = 1, int failure = 3) {
    Track track(success, failure);
    for (const char c : answers) {
        const Outcome outcome = c == 'S'   ? Outcome::Success
                                : c == 'F' ? Outcome::Failure
                                           : Outcome::Unknown;
        const Standing before = track.standing();
        const bool changed = track.take({0, outcome, outcome == Outcome::Success ? "" : "closed"});
        EXPECT_EQ(changed, before != track.standing()) << answers;
    }
    return track;
}

TEST(Track, HasARuleForEveryAnswerAndNoTwo) {
    for (const Outcome answer : {Outcome::Success, Outcome::Failure, Outcome::Unknown}) {
        for (const bool enough : {true, false}) {
            int rules = 0;
            for (const Rule& rule : kRules) {
                rules += rule.answer == answer && rule.often_enough == enough ? 1 : 0;
            }
            EXPECT_EQ(rules, 1);
        }
    }
}

Outcome other(Outcome answer) {
    return answer == Outcome::Success ? Outcome::Failure : Outcome::Success;
}

// From Unproved, and from the standing that the other answer led to.
TEST(Track, FollowsItsRulesFromEveryStanding) {
    for (const Rule& rule : kRules) {
        const int threshold = rule.often_enough ? 1 : 2;
        for (const bool proved : {false, true}) {
            Track track(threshold, threshold);
            for (int i = 0; proved && i < threshold; ++i) {
                track.take({0, other(rule.answer), ""});
            }
            const Standing before = track.standing();
            EXPECT_EQ(before != Standing::Unproved, proved);
            track.take({0, rule.answer, ""});
            EXPECT_EQ(track.standing(), rule.decides ? rule.then : before);
        }
    }
}

struct Row {
    std::string answers;
    int success, failure;
    Standing standing;
};

TEST(Track, TakesAsManyInARowAsItsThresholds) {
    const Row rows[] = {
        {"", 1, 3, Standing::Unproved},
        {"S", 1, 3, Standing::Good},
        {"FF", 1, 3, Standing::Unproved},
        {"FFF", 1, 3, Standing::Bad},
        {"FFSFF", 1, 3, Standing::Good},
        {"SFF", 1, 3, Standing::Good},
        {"SFFF", 1, 3, Standing::Bad},
        {"SFFSFFSFF", 1, 3, Standing::Good},
        {"FFFS", 1, 3, Standing::Good},
        {"SS", 3, 3, Standing::Unproved},
        {"SSFSS", 3, 3, Standing::Unproved},
        {"SSS", 3, 3, Standing::Good},
        {"FFFSS", 3, 3, Standing::Bad},
        {"F", 1, 1, Standing::Bad},
        // Nobody is taken down because nobody could ask, and nobody is spared.
        {"SUUUUUUUU", 1, 3, Standing::Good},
        {"UUUU", 1, 1, Standing::Unproved},
        {"FUFUUF", 1, 3, Standing::Bad},
        {"SUS", 2, 1, Standing::Good},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(after(row.answers, row.success, row.failure).standing(), row.standing)
            << row.answers;
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
    for (const auto& [answers, trouble] : rows) {
        EXPECT_EQ(after(answers).trouble(), trouble) << answers;
    }
}

}  // namespace
}  // namespace podreeve::health
