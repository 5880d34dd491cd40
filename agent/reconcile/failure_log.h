#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace podreeve::reconcile {

// What the journal is told of what passes could not do, which on a full disk is the same several
// times a second: each trouble of an app once, again when it changes, and when it is over how often
// it was met.
class FailureLog {
  public:
    // The lines for a pass that came to its end with these failures: app, why.
    std::vector<std::string> lines(
        const std::vector<std::pair<std::string, std::string>>& failures);

  private:
    struct Trouble {
        std::string why;
        std::size_t times = 0;  // since it was told
    };

    std::map<std::string, Trouble> known_;  // by app
};

}  // namespace podreeve::reconcile
