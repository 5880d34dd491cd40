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
    standing_ = trouble.empty() ? Standing::Good : Standing::Bad;
    answered_ = !trouble.empty();
    last_ = {0, probe::Outcome::Unknown, trouble};
}

bool Track::take(const probe::Answer& answer) {
    answered_ = true;
    last_ = answer;
    const bool goes_on = row_of_ == answer.outcome;
    const int row = goes_on ? (row_ < std::numeric_limits<int>::max() ? row_ + 1 : row_) : 1;
    const bool often_enough = row >= threshold_of(answer.outcome);
    const auto* rule = std::find_if(std::begin(kRules), std::end(kRules), [&](const Rule& each) {
        return each.answer == answer.outcome && each.often_enough == often_enough;
    });
    if (rule->counts) {
        row_of_ = answer.outcome;
        row_ = row;
    }
    if (!rule->decides || standing_ == rule->then) {
        return false;
    }
    standing_ = rule->then;
    return true;
}

std::string Track::trouble() const {
    if (!answered_ || last_.outcome == probe::Outcome::Success) {
        return {};
    }
    if (last_.outcome == probe::Outcome::Unknown || row_ >= failure_threshold_) {
        return last_.text;
    }
    return fmt::format("{} ({} of {})", last_.text, row_, failure_threshold_);
}

}  // namespace podreeve::health
