#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "runtime/base/contained.h"

// Which app each thread works for, noted where it outlives the process, so that the next one knows
// in whose hands this one died. Only a death of the process's own making is marked: a fault, or
// abort(). Nothing runs when it is killed (SIGKILL, want of memory, a signal of somebody else's),
// and then nobody is to blame.
namespace podreeve {

// One thread's note. Plain bytes in mapped memory: another process reads what a dead one left, and
// believes none of it unseen.
struct HandSlot {
    std::uint32_t length = 0;  // of app; 0: nothing is in hand
    std::uint32_t signal = 0;  // of the death with this app in hand; 0: none
    std::int64_t died = 0;     // when, by CLOCK_MONOTONIC, in nanoseconds
    char app[64] = {};         // a longer name is not noted
};

inline constexpr std::size_t kHandSlots = 96;  // threads that may be noted at once

// From now on what threads have in hand is noted in these slots, and a death is marked there. Of
// the whole process, so for its main() alone; an empty span ends the noting. The memory has to
// stay until then. What a thread has in hand already is not noted.
void mark_deaths_in(std::span<HandSlot> slots);

// Notes that this thread has the app in hand, for as long as it lives; within another one's, that
// one's again afterwards. No system call but at a thread's first, no allocation. app has to outlive
// it.
class InHand {
  public:
    explicit InHand(std::string_view app) noexcept;
    ~InHand();
    InHand(const InHand&) = delete;
    InHand& operator=(const InHand&) = delete;

  private:
    std::string_view app_;
    const InHand* outer_;
    HandSlot* slot_;
};

// contained(), with the app in hand.
template <class Act>
std::optional<std::string> contained_in_hand(std::string_view app, Act&& act) noexcept {
    const InHand in_hand(app);
    return contained(std::forward<Act>(act));
}

}  // namespace podreeve
