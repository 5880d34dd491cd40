// Any bytes as a packet between the agent and podreeve-probe, both ways: as they are, and behind
// the version that is spoken today, so that the corpus outlives a change of it.

#include "runtime/probe/wire.h"
#include "tests/fuzz/promise.h"

namespace podreeve::probe::wire {
namespace {

using fuzz::promise;

std::string packet_of(const std::vector<Order>& orders) {
    std::string packet(1, kFirstByte);
    for (const Order& order : orders) {
        packet += write(order);
    }
    return packet;
}

void check_orders(std::string_view packet) {
    const auto orders = read_orders(packet);
    if (!orders) {
        promise(fuzz::is_clean(orders.error().message), "a refusal can be told");
        return;
    }
    const std::string written = packet_of(*orders);
    const auto again = read_orders(written);
    promise(again && again->size() == orders->size(), "orders that were read can be sent");
    promise(packet_of(*again) == written, "orders are read back");
}

void check_answers(std::string_view packet) {
    const auto results = read_results(packet);
    if (!results) {
        promise(fuzz::is_clean(results.error().message), "a refusal can be told");
        return;
    }
    std::vector<ProbeResult> again;
    for (const std::string& written : write_results(*results)) {
        promise(written.size() <= kMaxPacket, "a packet fits");
        const auto part = read_results(written);
        promise(part.has_value(), "answers that were read can be sent");
        again.insert(again.end(), part->begin(), part->end());
    }
    promise(again == *results, "answers are read back");
    for (const ProbeResult& result : *results) {
        promise(fuzz::is_clean(result.text), "an answer can be told");
    }
}

}  // namespace
}  // namespace podreeve::probe::wire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace podreeve;
    const std::string_view bytes = fuzz::text_of(data, size);
    for (const std::string& packet :
         {std::string(bytes), probe::wire::kFirstByte + std::string(bytes)}) {
        probe::wire::check_orders(packet);
        probe::wire::check_answers(packet);
    }
    return 0;
}
