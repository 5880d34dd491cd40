#include "agent/reconcile/suspects.h"

#include <gtest/gtest.h>

namespace podreeve::reconcile {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// One thing that happens to one app, and whether it is set aside then.
struct Event {
    enum class What { Death, Look, Changed, Asked } what;
    int minute;
    bool aside;
};

using enum Event::What;

struct Case {
    const char* name;
    std::vector<Event> events;
};

const Case kCases[] = {
    {"two deaths are no habit", {{Death, 0, false}, {Death, 1, false}, {Look, 2, false}}},
    {"three in ten minutes set aside",
     {{Death, 0, false}, {Death, 4, false}, {Death, 9, true}, {Look, 9, true}}},
    {"three in eleven do not",
     {{Death, 0, false}, {Death, 5, false}, {Death, 11, false}, {Look, 11, false}}},
    {"of a row the last three count",
     {{Death, 0, false}, {Death, 8, false}, {Death, 12, false}, {Death, 16, true}}},
    {"tried ten minutes after the last death, and no sooner",
     {{Death, 0, false}, {Death, 0, false}, {Death, 1, true}, {Look, 10, true}, {Look, 11, false}}},
    {"a death on trial sets aside at once, for ten minutes more",
     {{Death, 0, false},
      {Death, 0, false},
      {Death, 1, true},
      {Look, 11, false},
      {Death, 12, true},
      {Look, 21, true},
      {Look, 22, false},
      {Death, 22, true}}},
    {"what was well for ten minutes has three again",
     {{Death, 0, false},
      {Death, 0, false},
      {Death, 1, true},
      {Look, 11, false},
      {Look, 21, false},
      {Death, 22, false},
      {Death, 23, false},
      {Death, 24, true}}},
    {"another manifest is tried at once, and once",
     {{Death, 0, false},
      {Death, 0, false},
      {Death, 1, true},
      {Look, 1, true},
      {Changed, 2, false},
      {Look, 3, false},
      {Death, 3, true},
      {Look, 4, true}}},
    {"a person who asks is heard, and once",
     {{Death, 0, false}, {Death, 0, false}, {Death, 1, true}, {Asked, 2, false}, {Death, 2, true}}},
    {"to ask for one that is not set aside changes nothing",
     {{Death, 0, false}, {Asked, 1, false}, {Death, 2, false}, {Death, 3, true}}},
};

TEST(Suspects, AreSetAsideAndTriedAsTheTableSays) {
    const SteadyTime begin{std::chrono::hours(1)};
    for (const Case& row : kCases) {
        Suspect suspect;
        int version = 1;
        for (std::size_t i = 0; i < row.events.size(); ++i) {
            const Event& event = row.events[i];
            // A moment apart, where the minute is the same.
            const SteadyTime now = begin + minutes(event.minute) +
                                   std::chrono::milliseconds(event.what == Death ? 0 : 1);
            switch (event.what) {
                case Death:
                    note_death(suspect, now);
                    break;
                case Asked:
                    try_now(suspect, now);
                    break;
                case Changed:
                    ++version;
                    [[fallthrough]];
                case Look:
                    evaluate(suspect, std::to_string(version), now);
                    break;
            }
            EXPECT_EQ(suspect.set_aside, event.aside) << row.name << ", event " << i;
        }
    }
}

TEST(Suspects, AreClearedTenMinutesAfterTheLastDeathOrTry) {
    const SteadyTime begin{std::chrono::hours(1)};
    Suspect suspect;
    note_death(suspect, begin);
    EXPECT_FALSE(is_cleared(suspect, begin + minutes(10) - seconds(1)));
    EXPECT_TRUE(is_cleared(suspect, begin + minutes(10)));
    note_death(suspect, begin);
    note_death(suspect, begin);
    EXPECT_FALSE(is_cleared(suspect, begin + minutes(30))) << "set aside until it is tried";
    evaluate(suspect, "a", begin + minutes(30));
    EXPECT_FALSE(is_cleared(suspect, begin + minutes(39)));
    EXPECT_TRUE(is_cleared(suspect, begin + minutes(40)));
}

TEST(Suspects, AreToldInTheSameWordsUntilTheyDieOnceMore) {
    const SteadyTime begin{std::chrono::hours(1)};
    Suspect suspect;
    for (int i = 0; i < 3; ++i) {
        note_death(suspect, begin);
    }
    const std::string why = why_set_aside("web", suspect);
    EXPECT_NE(why.find("crashed 3 times"), std::string::npos) << why;
    EXPECT_NE(why.find("`podreeve restart web`"), std::string::npos) << why;
    evaluate(suspect, "a", begin + minutes(10));
    note_death(suspect, begin + minutes(11));
    EXPECT_NE(why_set_aside("web", suspect).find("crashed again"), std::string::npos);
}

}  // namespace
}  // namespace podreeve::reconcile
