#pragma once

#include <string_view>

#include "agent/plan/plan.h"

namespace podreeve::plan {

// All that is said of a task kind beside what its handler does; to_string() and step_kind_from()
// read it, too. A new kind is one row here, its handler, and what plans it.
struct StepKindRow {
    StepKind kind;
    std::string_view name;  // stored, so that another one needs a migration of the store
    const char* phrase;     // for people, with {} for the object: "Start container {}"
    char sign;              // in a diff: + makes, - removes, ~ changes
    bool prepares;          // nothing starts, stops or goes by it yet
};

const StepKindRow& row_of(StepKind kind);
// Null for a name that no kind has.
const StepKindRow* row_named(std::string_view name);

}  // namespace podreeve::plan
