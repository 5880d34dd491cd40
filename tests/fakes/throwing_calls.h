#pragma once

#include <cstddef>

#include "tests/fakes/throwing.h"

// What the seams of the adapters that throw have in common.
namespace podreeve::fakes {

// The number of this call; 0: it is not counted.
std::size_t count_call(Adapter adapter);
bool is_to_throw(std::size_t number);
Moment moment_of_throw();
[[noreturn]] void throw_by_turns(std::size_t number);

// Makes the call, or throws instead or afterwards.
template <class Work>
auto made(Adapter adapter, Work work) {
    const std::size_t number = count_call(adapter);
    const bool throws = is_to_throw(number);
    if (throws && (moment_of_throw() == Moment::Before || throws_before_alone(adapter))) {
        throw_by_turns(number);
    }
    auto result = work();
    if (throws) {
        throw_by_turns(number);
    }
    return result;
}

}  // namespace podreeve::fakes
