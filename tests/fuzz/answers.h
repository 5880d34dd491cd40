#pragma once

#include <string>
#include <string_view>

#include "runtime/prober/dialogue.h"
#include "tests/fuzz/pieces.h"
#include "tests/fuzz/promise.h"

namespace podreeve::fuzz {

struct Heard {
    prober::DialogueResult decision;
    std::string reply;  // what was said back
    friend bool operator==(const Heard&, const Heard&) = default;
};

// What a server answers, in pieces of that size, and then closes.
inline Heard hear(const probe::ProbeSpec& probe, std::string_view result, std::size_t size) {
    const auto dialogue = prober::make_dialogue(probe, probe.ports.front());
    promise(!dialogue->opening().empty(), "something is asked");
    Heard out;
    bool over = false;
    arrive(result, size, [&](std::string_view piece) {
        if (auto decision = dialogue->hear(piece, out.reply)) {
            out.decision = std::move(*decision);
            over = true;
        }
        return !over;
    });
    if (!over) {
        promise(is_clean(dialogue->pending()), "how far it came can be told");
        out.decision = dialogue->closed();
    }
    return out;
}

// Any bytes as the answer to a question: there is a decision that can be told, and it does not
// depend on how they were cut.
inline void check_answer(const probe::ProbeSpec& probe, std::string_view result) {
    const Heard whole = hear(probe, result, result.size() + 1);
    const bool success = whole.decision.outcome == probe::Outcome::Success;
    promise(success == whole.decision.text.empty(), "what is no success says why");
    promise(is_clean(whole.decision.text), "the verdict can be told");
    promise(whole.reply.size() <= 4 * result.size(), "little is said back");
    for (const std::size_t size : ways_to_arrive(result)) {
        promise(hear(probe, result, size) == whole, "the verdict is the same in any pieces");
    }
}

}  // namespace podreeve::fuzz
