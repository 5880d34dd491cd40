#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/probe/question.h"

// The messages on the socket between the agent and podreeve-probe: a SOCK_SEQPACKET pair, each
// packet any number of orders one after the other, or of answers. Numbers are in the machine's own
// order, since both ends are of one build and on one machine. Nothing of it is stored, so the
// format is free to change.
namespace podreeve::probe::wire {

inline constexpr std::size_t kMaxPacket = 64 * 1024;
// Questions in one Ask, so that it fits.
inline constexpr std::size_t kMaxAsked = 4096;

struct Learn {  // from now on this is question so-and-so
    std::uint32_t question = 0;
    Question what;
};

struct Forget {
    std::uint32_t question = 0;
};

struct Ask {  // one Answer to each
    std::vector<std::uint32_t> questions;
};

// Ask it every period, and answer once, when it is no Success; then it is kept no longer, nor when
// it is asked otherwise. Questions to one container are asked at the same time, so the first comes
// up to half a period early or late.
struct Keep {
    std::uint32_t question = 0;
    std::chrono::milliseconds first{0};  // from now
    std::chrono::milliseconds period{1000};
};

// A question nobody has: an Ask of it is answered at once, and tells that the prober lives.
inline constexpr std::uint32_t kNobodys = 0;

using Order = std::variant<Learn, Forget, Ask, Keep>;

std::string write(const Order& order);
// Corrupt for what is no packet of orders.
Result<std::vector<Order>> read_orders(std::string_view packet);

// As many packets as it takes; a text longer than 240 bytes is cut.
std::vector<std::string> write_answers(const std::vector<Answer>& answers);
Result<std::vector<Answer>> read_answers(std::string_view packet);

}  // namespace podreeve::probe::wire
