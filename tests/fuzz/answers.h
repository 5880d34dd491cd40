#pragma once

#include <string>
#include <string_view>

#include "runtime/prober/dialogue.h"
#include "tests/fuzz/pieces.h"
#include "tests/fuzz/promise.h"

namespace podreeve::fuzz {

struct Heard {
    prober::Verdict verdict;
    std::string reply;  // what was said back
    friend bool operator==(const Heard&, const Heard&) = default;
};

// What a server answers, in pieces of that size, and then closes.
inline Heard hear(const probe::Question& question, std::string_view answer, std::size_t size) {
    const auto dialogue = prober::make_dialogue(question, question.ports.front());
    promise(!dialogue->opening().empty(), "something is asked");
    Heard out;
    bool over = false;
    arrive(answer, size, [&](std::string_view piece) {
        if (auto verdict = dialogue->hear(piece, out.reply)) {
            out.verdict = std::move(*verdict);
            over = true;
        }
        return !over;
    });
    if (!over) {
        promise(is_clean(dialogue->pending()), "how far it came can be told");
        out.verdict = dialogue->closed();
    }
    return out;
}

// Any bytes as the answer to a question: there is a verdict that can be told, and it does not
// depend on how they were cut.
inline void check_answer(const probe::Question& question, std::string_view answer) {
    const Heard whole = hear(question, answer, answer.size() + 1);
    const bool success = whole.verdict.outcome == probe::Outcome::Success;
    promise(success == whole.verdict.text.empty(), "what is no success says why");
    promise(is_clean(whole.verdict.text), "the verdict can be told");
    promise(whole.reply.size() <= 4 * answer.size(), "little is said back");
    for (const std::size_t size : ways_to_arrive(answer)) {
        promise(hear(question, answer, size) == whole, "the verdict is the same in any pieces");
    }
}

}  // namespace podreeve::fuzz
