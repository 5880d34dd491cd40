#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "agent/plan/plan.h"

namespace podreeve::plan {

using After = std::vector<std::size_t>;

After operator+(After a, const After& b);

// The steps of one app while they are put together. Indexes that add() gives are stable.
class StepGraph {
  public:
    // undoable: whether the steps keep their inverse (a deploy) or lose it.
    StepGraph(AppPlan& plan, bool undoable) : plan_(plan), undoable_(undoable) {}

    // What of a step is not worked out here.
    struct Line {
        StepKind kind{};
        std::string part = {};
        std::string object = {};
        std::string id = {};
        std::string reason = {};
        std::string inverse = {};
    };

    std::size_t add(Line line, nlohmann::json details, After after);

    // Whether the steps from here on only clear away what the version before left: one that fails
    // leaves it behind, and takes back nothing.
    void set_clearing(bool clearing) { clearing_ = clearing && undoable_; }

    bool empty() const { return plan_.steps.empty(); }

    std::size_t size() const { return plan_.steps.size(); }

    // The steps that no other waits for yet.
    After ends() const;

  private:
    void keep_nearest(After& after);

    AppPlan& plan_;
    bool undoable_;
    bool clearing_ = false;
    std::vector<std::vector<bool>> waits_;  // of each step: all it waits for, near and far
};

}  // namespace podreeve::plan
