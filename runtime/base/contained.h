#pragma once

#include <optional>
#include <string>
#include <utility>

// The boundaries that nothing thrown may cross: the top of a thread, a callback of a C library, one
// app of a pass. Everywhere else failures are values (result.h).
namespace podreeve {

// What the exception in hand says, fit for a message. For catch blocks.
std::string words_of_exception() noexcept;

// Runs act. Nothing: it came to its end; else what it threw.
template <class Act>
std::optional<std::string> contained(Act&& act) noexcept {
    try {
        std::forward<Act>(act)();
        return std::nullopt;
    } catch (...) {
        return words_of_exception();
    }
}

void log_thrown(const char* what, const std::string& thrown) noexcept;

// The same where nobody is left to be told but the journal: "internal error: a job threw: …". False
// when it threw.
template <class Act>
bool contained_or_logged(const char* what, Act&& act) noexcept {
    const std::optional<std::string> thrown = contained(std::forward<Act>(act));
    if (thrown) {
        log_thrown(what, *thrown);
    }
    return !thrown;
}

}  // namespace podreeve
