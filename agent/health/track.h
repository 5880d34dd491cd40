#pragma once

#include <string>

#include "runtime/probe/probe_spec.h"

namespace podreeve::health {

// Where a probe stands. One answer decides nothing unless its threshold is one: that many of a kind
// in a row do, and the status stays until as many as it takes say otherwise. This is the
// hysteresis that keeps one lost packet from taking anybody down.
//
//   answer    as often in a row as   then        else
//   Success   success_threshold      Good        as before
//   Failure   failure_threshold      Bad         as before
//   Unknown   -                      as before, and the row goes on as if nobody had asked
enum class Tally { Unproved, Good, Bad };

struct TallyRule {
    probe::Outcome result;
    bool often_enough;
    bool counts;  // lengthens the row, and ends that of the other answer
    bool decides;
    Tally then;
};

inline constexpr TallyRule kRules[] = {
    {probe::Outcome::Success, true, true, true, Tally::Good},
    {probe::Outcome::Success, false, true, false, Tally::Unproved},
    {probe::Outcome::Failure, true, true, true, Tally::Bad},
    {probe::Outcome::Failure, false, true, false, Tally::Unproved},
    {probe::Outcome::Unknown, true, false, false, Tally::Unproved},
    {probe::Outcome::Unknown, false, false, false, Tally::Unproved},
};

class Track {
  public:
    Track(int success_threshold, int failure_threshold)
        : success_threshold_(success_threshold), failure_threshold_(failure_threshold) {}

    // Begins with the status that an earlier one had: Bad for that trouble, or Good.
    void go_on_from(const std::string& trouble);

    // True when the status is another one now.
    bool take(const probe::ProbeResult& result);

    Tally tally() const { return tally_; }

    // Of the last answer that was no success, and how often it came in a row: "port 80: connection
    // refused (2 of 3)"; empty when the last one was a success, or none came.
    std::string trouble() const;

  private:
    int threshold_of(probe::Outcome outcome) const;

    int success_threshold_, failure_threshold_;
    Tally tally_ = Tally::Unproved;
    probe::Outcome row_of_ = probe::Outcome::Unknown;
    int row_ = 0;
    probe::ProbeResult last_;
    bool replied_ = false;
};

}  // namespace podreeve::health
