#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/unit/handlers/bench.h"

namespace podreeve::handlers::testing {

// One task kind at work: what is there before, and the step.
struct Scenario {
    std::string name;  // of the kind, with a word more where it has several
    plan::StepKind kind;
    bool undoable = true;    // the table has an undo
    bool reverses = true;    // whether undo leads back to what was there before, as far as one sees
    bool changes = true;     // whether do changes anything at all
    bool only_held = false;  // podman 4.5 and later only
    std::function<void(Bench&)> given = {};
    std::function<StoredTask(Bench&)> step = {};
    // Puts something that is not ours where the step would act; null when it acts on nothing.
    std::function<void(Bench&)> foreign = {};
};

const std::vector<Scenario>& scenarios();

// Parts of the app as earlier tasks would have made them.
void make_service(Bench& bench, bool held);
void make_pod(Bench& bench, const std::string& service, bool held, bool with_init);
void start_pod(Bench& bench, const std::string& service, bool held);
void make_alone(Bench& bench, bool started);
void was_deployed(Bench& bench);

}  // namespace podreeve::handlers::testing
