#include "agent/health/track.h"

#include <gtest/gtest.h>

namespace podreeve::health {
namespace {

using probe::Outcome;

// S, F and U: an answer each.
Standing after(const std::string& answers, int success, int failure, Track* out = nullptr) {
    Track track(success, failure);
    for (const char c : answers) {
        const Outcome outcome = c == 'S'   ? Outcome::Success
                                : c == 'F' ? Outcome::Failure
                                           : Outcome::Unknown;
        const Standing before = track.standing();
        const bool changed =
            track.take({0, outcome, outcome == Outcome::Success ? "" : "closed"});
        EXPECT_EQ(changed, before != track.standing()) << answers;
    }
    if (out != nullptr) {
        *out = track;
    }
    return track.standing();
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

TEST(Track, FollowsItsRulesFromEveryStanding) {
    const std::pair<std::string, Standing> froms[] = {
        {"", Standing::Unproved}, {"S", Standing::Good}, {"FFF", Standing::Bad}};
    for (const auto& [lead, from] : froms) {
        ASSERT_EQ(after(lead, 1, 3), from);
        for (const Rule& rule : kRules) {
            Track track(0, 0);
            const int threshold = rule.often_enough ? 1 : 100;
            after(lead, 1, 3, &track);
            // The same row once more, with thresholds that the next answer meets or misses.
            Track fresh(threshold, threshold);
            fresh.take({0, rule.answer, ""});
            const bool decided = fresh.standing() != Standing::Unproved;
            EXPECT_EQ(decided, rule.decides);
            EXPECT_EQ(fresh.standing(), rule.decides ? rule.then : Standing::Unproved);
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
        EXPECT_EQ(after(row.answers, row.success, row.failure), row.standing) << row.answers;
    }
}

TEST(Track, TellsTheLastTroubleAndHowOftenItCame) {
    const std::pair<std::string, std::string> rows[] = {
        {"", ""},          {"S", ""},        {"F", "closed (1 of 3)"}, {"SFF", "closed (2 of 3)"},
        {"FFF", "closed"}, {"FFFF", "closed"}, {"FFFS", ""},           {"SU", "closed"}};
    for (const auto& [answers, trouble] : rows) {
        Track track(1, 3);
        after(answers, 1, 3, &track);
        EXPECT_EQ(track.trouble(), trouble) << answers;
    }
}

}  // namespace
}  // namespace podreeve::health
