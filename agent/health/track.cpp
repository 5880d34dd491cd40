#include "agent/health/track.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

namespace podreeve::health {

int Track::threshold_of(probe::Outcome outcome) const {
    switch (outcome) {
        case probe::Outcome::Success:
            return success_threshold_;
        case probe::Outcome::Failure:
            return failure_threshold_;
        case probe::Outcome::Unknown:
            break;
    }
    return std::numeric_limits<int>::max();
}

void Track::go_on_from(const std::string& trouble) {
    tally_ = trouble.empty() ? Tally::Good : Tally::Bad;
    replied_ = !trouble.empty();
    last_ = {0, probe::Outcome::Unknown, trouble};
}

bool Track::take(const probe::ProbeResult& result) {
    replied_ = true;
    last_ = result;
    const bool goes_on = row_of_ == result.outcome;
    const int row = goes_on ? (row_ < std::numeric_limits<int>::max() ? row_ + 1 : row_) : 1;
    const bool often_enough = row >= threshold_of(result.outcome);
    const auto* rule =
        std::find_if(std::begin(kRules), std::end(kRules), [&](const TallyRule& each) {
            return each.result == result.outcome && each.often_enough == often_enough;
        });
    if (rule->counts) {
        row_of_ = result.outcome;
        row_ = row;
    }
    if (!rule->decides || tally_ == rule->then) {
        return false;
    }
    tally_ = rule->then;
    return true;
}

std::string Track::trouble() const {
    if (!replied_ || last_.outcome == probe::Outcome::Success) {
        return {};
    }
    if (last_.outcome == probe::Outcome::Unknown || row_ >= failure_threshold_) {
        return last_.text;
    }
    return fmt::format("{} ({} of {})", last_.text, row_, failure_threshold_);
}

}  // namespace podreeve::health
