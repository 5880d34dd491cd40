#include "runtime/base/in_hand.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <signal.h>
#include <time.h>
#include <unistd.h>

namespace podreeve {
namespace {

constexpr std::array kDeaths{SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGSYS, SIGTRAP};
constexpr std::size_t kStackSize = 16 * 1024;

// Set before the handlers are, and never cleared: a handler of before is gone back to.
std::array<struct sigaction, kDeaths.size()> handled_before{};
std::atomic<HandSlot*> noted_slots{nullptr};
std::atomic<std::size_t> noted_count{0};
std::array<std::atomic<bool>, kHandSlots> taken_slots{};
// A stack that ran over has no room for a handler. Pages nobody uses cost nothing.
alignas(64) std::array<std::array<std::byte, kStackSize>, kHandSlots> signal_stacks;

// Trivial, so that a handler may read them.
constinit thread_local HandSlot* own_slot = nullptr;
constinit thread_local const InHand* innermost = nullptr;
constinit thread_local std::size_t own_number = kHandSlots;

// Sanitizers give each thread a stack of their own making, and take back what is set at its end.
void use_stack(std::size_t number) {
    stack_t now{};
    if (::sigaltstack(nullptr, &now) == 0 && (now.ss_flags & SS_DISABLE) != 0) {
        stack_t own{};
        own.ss_sp = signal_stacks[number].data();
        own.ss_size = kStackSize;
        ::sigaltstack(&own, nullptr);
    }
}

void give_back_stack(std::size_t number) {
    stack_t now{};
    if (::sigaltstack(nullptr, &now) == 0 && now.ss_sp == signal_stacks[number].data()) {
        stack_t none{};
        none.ss_flags = SS_DISABLE;
        ::sigaltstack(&none, nullptr);
    }
}

// Gives the thread's slot to another when it ends.
struct Claim {
    ~Claim() {
        if (own_number < kHandSlots) {
            own_slot = nullptr;
            give_back_stack(own_number);
            taken_slots[own_number].store(false, std::memory_order_release);
        }
    }

    bool tried = false;
};

HandSlot* claim() noexcept {
    if (own_slot != nullptr || noted_slots.load(std::memory_order_acquire) == nullptr) {
        return own_slot;
    }
    static thread_local Claim held;
    if (held.tried) {
        return own_slot;
    }
    held.tried = true;
    const std::size_t count = noted_count.load(std::memory_order_acquire);
    for (std::size_t number = 0; number < count; ++number) {
        if (!taken_slots[number].exchange(true, std::memory_order_acquire)) {
            own_number = number;
            own_slot = noted_slots.load(std::memory_order_acquire) + number;
            use_stack(number);
            break;
        }
    }
    return own_slot;
}

// In an order in which a death in between leaves nobody's name, or a whole one.
void note(HandSlot& slot, std::string_view app) noexcept {
    slot.length = 0;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (app.size() <= sizeof slot.app) {
        std::memcpy(slot.app, app.data(), app.size());
        std::atomic_signal_fence(std::memory_order_seq_cst);
        slot.length = static_cast<std::uint32_t>(app.size());
    }
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

// The kernel's own word for a fault, or a signal that this thread sent itself: abort(). systemd's
// watchdog and people send theirs from outside.
bool is_own_doing(const siginfo_t& info) {
    return info.si_code > 0 || (info.si_code == SI_TKILL && info.si_pid == ::getpid());
}

void mark_death(int number, siginfo_t* info, void*) {
    HandSlot* const slot = own_slot;
    if (slot != nullptr && slot->length != 0 && slot->signal == 0 && is_own_doing(*info)) {
        timespec now{};
        ::clock_gettime(CLOCK_MONOTONIC, &now);
        slot->died = static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
        std::atomic_signal_fence(std::memory_order_seq_cst);
        slot->signal = static_cast<std::uint32_t>(number);
    }
    for (std::size_t i = 0; i < kDeaths.size(); ++i) {
        if (kDeaths[i] == number) {
            ::sigaction(number, &handled_before[i], nullptr);
        }
    }
    // A fault comes again by itself once this returns; what was sent has to be sent again.
    if (info->si_code <= 0) {
        ::raise(number);
    }
}

void set_handlers() {
    struct sigaction action {};

    action.sa_sigaction = mark_death;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    ::sigemptyset(&action.sa_mask);
    for (std::size_t i = 0; i < kDeaths.size(); ++i) {
        ::sigaction(kDeaths[i], &action, &handled_before[i]);
    }
}

}  // namespace

void mark_deaths_in(std::span<HandSlot> given) {
    noted_count.store(std::min(given.size(), kHandSlots), std::memory_order_release);
    noted_slots.store(given.empty() ? nullptr : given.data(), std::memory_order_release);
    static std::atomic<bool> handled = false;
    if (given.empty()) {
        own_slot = nullptr;  // of this thread; the others have ended
    } else if (!handled.exchange(true)) {
        set_handlers();
    }
}

InHand::InHand(std::string_view app) noexcept : app_(app), outer_(innermost), slot_(claim()) {
    innermost = this;
    if (slot_ != nullptr) {
        note(*slot_, app_);
    }
}

InHand::~InHand() {
    innermost = outer_;
    if (slot_ != nullptr) {
        note(*slot_, outer_ == nullptr ? std::string_view() : outer_->app_);
    }
}

}  // namespace podreeve
