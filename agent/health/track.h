#pragma once

#include <string>

#include "runtime/probe/question.h"

namespace podreeve::health {

// Where a probe stands. One answer decides nothing unless its threshold is one: that many of a kind
// in a row do, and the standing stays until as many as it takes say otherwise. This is the
// hysteresis that keeps one lost packet from taking anybody down.
//
//   answer    as often in a row as   then        else
//   Success   success_threshold      Good        as before
//   Failure   failure_threshold      Bad         as before
//   Unknown   -                      as before, and the row goes on as if nobody had asked
enum class Standing { Unproved, Good, Bad };

struct Rule {
    probe::Outcome answer;
    bool often_enough;
    bool counts;  // lengthens the row, and ends that of the other answer
    bool decides;
    Standing then;
};

inline constexpr Rule kRules[] = {
    {probe::Outcome::Success, true, true, true, Standing::Good},
    {probe::Outcome::Success, false, true, false, Standing::Unproved},
    {probe::Outcome::Failure, true, true, true, Standing::Bad},
    {probe::Outcome::Failure, false, true, false, Standing::Unproved},
    {probe::Outcome::Unknown, true, false, false, Standing::Unproved},
    {probe::Outcome::Unknown, false, false, false, Standing::Unproved},
};

class Track {
  public:
    Track(int success_threshold, int failure_threshold)
        : success_threshold_(success_threshold), failure_threshold_(failure_threshold) {}

    // Begins with the standing that an earlier one had: Bad for that trouble, or Good.
    void go_on_from(const std::string& trouble);

    // True when the standing is another one now.
    bool take(const probe::Answer& answer);

    Standing standing() const { return standing_; }

    // Of the last answer that was no success, and how often it came in a row: "port 80: connection
    // refused (2 of 3)"; empty when the last one was a success, or none came.
    std::string trouble() const;

  private:
    int threshold_of(probe::Outcome outcome) const;

    int success_threshold_, failure_threshold_;
    Standing standing_ = Standing::Unproved;
    probe::Outcome row_of_ = probe::Outcome::Unknown;
    int row_ = 0;
    probe::Answer last_;
    bool answered_ = false;
};

}  // namespace podreeve::health
