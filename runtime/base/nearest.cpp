#include "runtime/base/nearest.h"

#include <algorithm>
#include <cctype>

namespace podreeve {
namespace {

char lower(char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

// Edit distance in which swapping two neighbours costs one, since that is one slip of the fingers.
// Letters' case costs nothing.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    const std::size_t width = b.size() + 1;
    std::vector<std::size_t> cost((a.size() + 1) * width);
    for (std::size_t i = 0; i <= a.size(); ++i) {
        for (std::size_t j = 0; j < width; ++j) {
            if (i == 0 || j == 0) {
                cost[i * width + j] = i + j;
                continue;
            }
            const bool same = lower(a[i - 1]) == lower(b[j - 1]);
            std::size_t best = cost[(i - 1) * width + j - 1] + (same ? 0 : 1);
            best = std::min(best, cost[(i - 1) * width + j] + 1);
            best = std::min(best, cost[i * width + j - 1] + 1);
            const bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                                 lower(a[i - 2]) == lower(b[j - 1]);
            if (swapped) {
                best = std::min(best, cost[(i - 2) * width + j - 2] + 1);
            }
            cost[i * width + j] = best;
        }
    }
    return cost.back();
}

}  // namespace

std::string nearest_name(std::string_view word, const std::vector<std::string>& candidates) {
    constexpr std::size_t kLongestWord = 64;  // the cost is quadratic, and no field is longer
    if (word.empty() || word.size() > kLongestWord) {
        return {};
    }
    std::string best;
    // One slip in a short word, two in a longer one, three in a long one.
    std::size_t best_cost = word.size() <= 3 ? 2 : word.size() <= 8 ? 3 : 4;
    for (const std::string& candidate : candidates) {
        const std::size_t difference = candidate.size() > word.size()
                                           ? candidate.size() - word.size()
                                           : word.size() - candidate.size();
        if (candidate.size() > kLongestWord || difference >= best_cost) {
            continue;  // it takes as many slips at the least
        }
        const std::size_t cost = edit_distance(word, candidate);
        if (cost < best_cost && cost < candidate.size()) {
            best_cost = cost;
            best = candidate;
        }
    }
    return best;
}

}  // namespace podreeve
