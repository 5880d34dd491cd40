#include "runtime/probe/wire.h"

#include <cstring>
#include <optional>
#include <type_traits>

#include <fmt/format.h>

#include "runtime/base/utf8.h"

namespace podreeve::probe::wire {
namespace {

enum class Word : std::uint8_t { Learn = 1, Forget, Ask, Keep, Results };

constexpr std::size_t kMaxText = 240;  // of an answer; the rest of a longer one is cut off

class PacketWriter {
  public:
    explicit PacketWriter(Word word, std::string before = {}) : out_(std::move(before)) {
        number(word);
    }

    template <class T>
    void number(T value) {
        static_assert(std::is_trivially_copyable_v<T>);
        char bytes[sizeof(T)];
        std::memcpy(bytes, &value, sizeof(T));
        out_.append(bytes, sizeof(T));
    }

    void text(std::string_view value) {
        number(static_cast<std::uint32_t>(value.size()));
        out_.append(value);
    }

    std::size_t size() const { return out_.size(); }

    std::string take() { return std::move(out_); }

  private:
    std::string out_;
};

// Reads on past the end as zeros, and knows that it did.
class PacketReader {
  public:
    explicit PacketReader(std::string_view packet) : rest_(packet) {}

    template <class T>
    T number() {
        static_assert(std::is_trivially_copyable_v<T>);
        T value{};
        if (rest_.size() < sizeof(T)) {
            good_ = false;
            rest_ = {};
            return value;
        }
        std::memcpy(&value, rest_.data(), sizeof(T));
        rest_.remove_prefix(sizeof(T));
        return value;
    }

    std::string text() {
        const auto size = number<std::uint32_t>();
        if (size > rest_.size()) {
            good_ = false;
            rest_ = {};
            return {};
        }
        std::string value(rest_.substr(0, size));
        rest_.remove_prefix(size);
        return value;
    }

    bool at_end() const { return rest_.empty(); }

    // Of those up to last.
    template <class Choice>
    Choice choice(Choice last) {
        const auto value = number<std::uint8_t>();
        good_ = good_ && value <= static_cast<std::uint8_t>(last);
        return static_cast<Choice>(value);
    }

    bool good() const { return good_; }

  private:
    std::string_view rest_;
    bool good_ = true;
};

Learn read_learn(PacketReader& reader) {
    Learn out;
    out.probe = reader.number<std::uint32_t>();
    out.what.kind = reader.choice(Protocol::Grpc);
    out.what.pid = reader.number<std::int32_t>();
    out.what.tls = reader.number<std::uint8_t>() != 0;
    out.what.timeout = std::chrono::milliseconds(reader.number<std::int64_t>());
    out.what.host = reader.text();
    out.what.path = reader.text();
    out.what.service = reader.text();
    for (auto left = reader.number<std::uint32_t>(); left > 0 && reader.good(); --left) {
        out.what.ports.push_back(reader.number<std::uint16_t>());
    }
    for (auto left = reader.number<std::uint32_t>(); left > 0 && reader.good(); --left) {
        std::string name = reader.text();
        out.what.headers.emplace_back(std::move(name), reader.text());
    }
    out.trouble = reader.text();
    return out;
}

Ask read_ask(PacketReader& reader) {
    Ask out;
    for (auto left = reader.number<std::uint32_t>(); left > 0 && reader.good(); --left) {
        out.probes.push_back(reader.number<std::uint32_t>());
    }
    return out;
}

Keep read_keep(PacketReader& reader) {
    Keep out;
    out.probe = reader.number<std::uint32_t>();
    out.first = std::chrono::milliseconds(reader.number<std::int64_t>());
    out.period = std::chrono::milliseconds(reader.number<std::int64_t>());
    return out;
}

std::string write_order(const Learn& order) {
    PacketWriter out(Word::Learn);
    out.number(order.probe);
    out.number(order.what.kind);
    out.number(std::int32_t{order.what.pid});
    out.number(static_cast<std::uint8_t>(order.what.tls));
    out.number(std::int64_t{order.what.timeout.count()});
    out.text(order.what.host);
    out.text(order.what.path);
    out.text(order.what.service);
    out.number(static_cast<std::uint32_t>(order.what.ports.size()));
    for (const std::uint16_t port : order.what.ports) {
        out.number(port);
    }
    out.number(static_cast<std::uint32_t>(order.what.headers.size()));
    for (const auto& [name, value] : order.what.headers) {
        out.text(name);
        out.text(value);
    }
    out.text(order.trouble);
    return out.take();
}

std::string write_order(const Forget& order) {
    PacketWriter out(Word::Forget);
    out.number(order.probe);
    return out.take();
}

std::string write_order(const Ask& order) {
    PacketWriter out(Word::Ask);
    out.number(static_cast<std::uint32_t>(order.probes.size()));
    for (const std::uint32_t probe : order.probes) {
        out.number(probe);
    }
    return out.take();
}

std::string write_order(const Keep& order) {
    PacketWriter out(Word::Keep);
    out.number(order.probe);
    out.number(std::int64_t{order.first.count()});
    out.number(std::int64_t{order.period.count()});
    return out.take();
}

std::optional<Order> read_order(PacketReader& reader) {
    switch (reader.number<Word>()) {
        case Word::Learn:
            return read_learn(reader);
        case Word::Forget:
            return Forget{reader.number<std::uint32_t>()};
        case Word::Ask:
            return read_ask(reader);
        case Word::Keep:
            return read_keep(reader);
        case Word::Results:
            break;
    }
    return std::nullopt;
}

// What stands behind the version.
Result<std::string_view> behind_version(std::string_view packet, std::string_view them) {
    if (!packet.empty() && packet.front() == kFirstByte) {
        return packet.substr(1);
    }
    const unsigned first = packet.empty() ? 0 : static_cast<unsigned char>(packet.front());
    const unsigned version = first >= 0x80 ? first & 0x7FU : 1;
    return fail(Code::Unsupported,
                fmt::format("cannot ask: {} speaks version {} and this program version {}, of "
                            "another build of podreeve: restart the agent",
                            them, version, kVersion));
}

}  // namespace

std::string write(const Order& order) {
    return std::visit([](const auto& each) { return write_order(each); }, order);
}

Result<std::vector<Order>> read_orders(std::string_view packet) {
    ASSIGN_OR_RETURN(const std::string_view orders, behind_version(packet, "the agent"));
    PacketReader reader(orders);
    std::vector<Order> out;
    while (!reader.at_end()) {
        std::optional<Order> order = read_order(reader);
        if (!order || !reader.good()) {
            return fail(Code::Corrupt, "cannot read a packet for the prober: it holds no orders");
        }
        out.push_back(std::move(*order));
    }
    return out;
}

Result<std::vector<ProbeResult>> read_results(std::string_view packet) {
    ASSIGN_OR_RETURN(const std::string_view words, behind_version(packet, "podreeve-probe"));
    PacketReader reader(words);
    if (reader.number<Word>() != Word::Results) {
        return fail(Code::Corrupt, "cannot read a packet of the prober: it holds no answers");
    }
    std::vector<ProbeResult> out;
    while (!reader.at_end()) {
        ProbeResult result;
        result.probe = reader.number<std::uint32_t>();
        result.outcome = reader.choice(Outcome::Unknown);
        result.text = clean_text(reader.text(), kMaxText);
        out.push_back(std::move(result));
    }
    if (!reader.good()) {
        return fail(Code::Corrupt, "cannot read a packet of the prober: it is cut off");
    }
    return out;
}

std::vector<std::string> write_results(const std::vector<ProbeResult>& results) {
    constexpr std::size_t kLargest = sizeof(std::uint32_t) * 2 + 1 + kMaxText;  // of one
    std::vector<std::string> packets;
    for (std::size_t at = 0; at < results.size();) {
        PacketWriter out(Word::Results, {kFirstByte});
        for (; at < results.size() && out.size() + kLargest <= kMaxPacket; ++at) {
            out.number(results[at].probe);
            out.number(results[at].outcome);
            out.text(clean_text(results[at].text, kMaxText));
        }
        packets.push_back(out.take());
    }
    return packets;
}

}  // namespace podreeve::probe::wire
