#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/probe/probe_spec.h"

// The messages on the socket between the agent and podreeve-probe: a SOCK_SEQPACKET pair, each
// packet the version, then any number of orders one after the other, or of answers. A Learn is
// alone in its packet, since the namespaces it is about come with it (SCM_RIGHTS): the network's,
// then, where it was to be had, the user namespace. Numbers are in the machine's own order. Nothing
// of it is stored, so the format is free to change: together with kVersion, since an agent that
// runs on over an upgrade starts the program that is installed then.
namespace podreeve::probe::wire {

inline constexpr unsigned kVersion = 2;  // 1 had no version in its packets
// A packet begins with this; version 1 began with a small number.
inline constexpr char kFirstByte = static_cast<char>(0x80U | kVersion);
inline constexpr std::size_t kMaxPacket = 64 * 1024;
// Questions in one Ask, so that it fits.
inline constexpr std::size_t kMaxAsked = 4096;

struct Learn {  // from now on this is question so-and-so
    std::uint32_t probe = 0;
    ProbeSpec what;
    std::string trouble = {};  // why no namespaces come with it
};

struct Forget {
    std::uint32_t probe = 0;
};

struct Ask {  // one Answer to each
    std::vector<std::uint32_t> probes;
};

// Ask it every period, and answer once, when it is no Success; then it is kept no longer, nor when
// it is asked otherwise. Questions to one container are asked at the same time, so the first comes
// up to half a period early or late.
struct Keep {
    std::uint32_t probe = 0;
    std::chrono::milliseconds first{0};  // from now
    std::chrono::milliseconds period{1000};
};

// A question nobody has: an Ask of it is answered at once, and tells that the prober lives.
inline constexpr std::uint32_t kNobodys = 0;

using Order = std::variant<Learn, Forget, Ask, Keep>;

// One order; a packet of orders is kFirstByte and any number of these.
std::string write(const Order& order);
// Corrupt for what is no packet of orders, Unsupported for one of another version.
Result<std::vector<Order>> read_orders(std::string_view packet);

// As many packets as it takes; a text longer than 240 bytes is cut.
std::vector<std::string> write_results(const std::vector<ProbeResult>& results);
// The same errors.
Result<std::vector<ProbeResult>> read_results(std::string_view packet);

}  // namespace podreeve::probe::wire
