#pragma once

#include <algorithm>
#include <cstdlib>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/fakes/throwing.h"

// At which calls of an adapter something is to throw: at all of them with PODREEVE_LONG=1, before
// and after their work; at the N-th alone with PODREEVE_POINT=N; else at a share of them, by the
// seed in PODREEVE_SEED.
namespace podreeve::integration {

using Points = std::vector<std::pair<std::size_t, fakes::Moment>>;

inline constexpr std::size_t kShare = 4;  // of each adapter's calls in each scenario

inline bool is_long_run() {
    const char* const asked = std::getenv("PODREEVE_LONG");
    return asked != nullptr && std::string(asked) == "1";
}

inline Points choose(fakes::Adapter adapter, std::size_t calls, unsigned by) {
    const char* const asked = std::getenv("PODREEVE_POINT");
    const std::size_t first = asked != nullptr ? std::strtoul(asked, nullptr, 10) : 1;
    Points points;
    for (std::size_t number = first; number <= (asked != nullptr ? first : calls); ++number) {
        points.emplace_back(number, fakes::Moment::Before);
        if (!fakes::throws_before_alone(adapter)) {
            points.emplace_back(number, fakes::Moment::After);
        }
    }
    if (!is_long_run() && asked == nullptr) {
        std::mt19937 random(by);
        // The first call comes in every run.
        std::shuffle(points.begin() + 1, points.end(), random);
        points.resize(std::min(points.size(), kShare));
    }
    return points;
}

inline unsigned seed() {
    const char* const asked = std::getenv("PODREEVE_SEED");
    return asked != nullptr ? static_cast<unsigned>(std::strtoul(asked, nullptr, 10))
                            : std::random_device()();
}

}  // namespace podreeve::integration
