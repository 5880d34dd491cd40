#include "runtime/prober/grpc_dialogue.h"

#include <algorithm>

#include <fmt/format.h>

namespace podreeve::prober {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

// RFC 9113, section 6.
enum FrameType : unsigned {
    kData = 0,
    kHeaders = 1,
    kReset = 3,
    kSettings = 4,
    kPing = 6,
    kGoAway = 7
};

constexpr unsigned kEndStream = 0x1, kAck = 0x1, kEndHeaders = 0x4, kPadded = 0x8;
constexpr std::size_t kFrameHead = 9;
constexpr std::size_t kMaxFrame = 16 * 1024;  // what we allow by not asking for more
constexpr std::size_t kMessageHead = 5;       // of gRPC: compressed?, length
// Before the answer; a real server says a handful.
constexpr int kMostFrames = 64;
constexpr std::size_t kMostBytes = 64 * 1024;

unsigned byte_at(std::string_view text, std::size_t at) {
    return static_cast<unsigned char>(text[at]);
}

std::string number(std::size_t value, int bytes) {
    std::string out;
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
        out += static_cast<char>((value >> static_cast<unsigned>(shift)) & 0xFFU);
    }
    return out;
}

std::string frame(unsigned type, unsigned flags, unsigned stream, std::string_view payload) {
    return number(payload.size(), 3) + number(type, 1) + number(flags, 1) + number(stream, 4) +
           std::string(payload);
}

// RFC 7541, section 5: an integer with so many bits of its first byte, the others being `first`.
std::string hpack_number(std::size_t value, unsigned bits, unsigned first) {
    const std::size_t most = (1U << bits) - 1;
    if (value < most) {
        return number(first | value, 1);
    }
    std::string out = number(first | most, 1);
    for (value -= most; value >= 0x80; value >>= 7U) {
        out += number((value & 0x7FU) | 0x80U, 1);
    }
    return out + number(value, 1);
}

std::string hpack_text(std::string_view text) {
    return hpack_number(text.size(), 7, 0) + std::string(text);
}

// A header whose name is in the static table (appendix A), or is written out, kept in no table.
std::string named(std::size_t index, std::string_view value) {
    return hpack_number(index, 4, 0) + hpack_text(value);
}

std::string literal(std::string_view name, std::string_view value) {
    return number(0, 1) + hpack_text(name) + hpack_text(value);
}

std::string request_headers(const std::string& authority) {
    return "\x83\x86"s +                               // :method POST, :scheme http
           named(4, "/grpc.health.v1.Health/Check") +  // :path
           named(1, authority) +                       // :authority
           named(31, "application/grpc") +             // content-type
           literal("te", "trailers") +                 //
           named(58, "podreeve-probe/1");              // user-agent
}

// HealthCheckRequest{service = 1} behind gRPC's own head.
std::string request_message(const std::string& service) {
    std::string message;
    if (!service.empty()) {
        message = "\x0a"s;
        std::size_t size = service.size();
        for (; size >= 0x80; size >>= 7U) {
            message += number((size & 0x7FU) | 0x80U, 1);
        }
        message += number(size, 1) + service;
    }
    return number(0, 1) + number(message.size(), 4) + message;
}

// HealthCheckResponse{status = 1}; 0 (UNKNOWN) is what is left out.
unsigned serving_status(std::string_view message) {
    return message.size() >= 2 && message[0] == '\x08' ? byte_at(message, 1) : 0;
}

std::string_view status_word(unsigned status) {
    constexpr std::string_view kWords[] = {"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};
    return status < std::size(kWords) ? kWords[status] : "a status that gRPC does not know"sv;
}

std::string authority_of(const probe::ProbeSpec& probe, std::uint16_t port) {
    const std::string host = probe.host.empty() ? "localhost" : probe.host;
    return host.find(':') == host.npos ? fmt::format("{}:{}", host, port)
                                       : fmt::format("[{}]:{}", host, port);
}

}  // namespace

GrpcDialogue::GrpcDialogue(const probe::ProbeSpec& probe, std::uint16_t port)
    : probe_(probe), port_(port) {}

std::string GrpcDialogue::opening() {
    const std::string message = request_message(probe_.service);
    std::string out = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(kSettings, 0, 0, "") +
                      frame(kHeaders, kEndHeaders, 1, request_headers(authority_of(probe_, port_)));
    return out + frame(kData, kEndStream, 1, message);
}

std::optional<DialogueResult> GrpcDialogue::hear(std::string_view bytes, std::string& reply) {
    heard_ += bytes;
    bytes_ += bytes.size();
    std::string_view rest = heard_;
    std::optional<DialogueResult> result;
    while (!result && rest.size() >= kFrameHead) {
        const std::size_t size =
            byte_at(rest, 0) << 16U | byte_at(rest, 1) << 8U | byte_at(rest, 2);
        const unsigned type = byte_at(rest, 3);
        if ((!greeted_ && type != kSettings) || size > kMaxFrame) {
            return failure("the answer is not HTTP/2");
        }
        greeted_ = true;
        if (frames_ >= kMostFrames || bytes_ > kMostBytes) {
            return failure("says too much and no answer");
        }
        if (rest.size() < kFrameHead + size) {
            break;
        }
        const unsigned stream = (byte_at(rest, 5) & 0x7FU) << 24U | byte_at(rest, 6) << 16U |
                                byte_at(rest, 7) << 8U | byte_at(rest, 8);
        ++frames_;
        result = take({type, byte_at(rest, 4), stream, rest.substr(kFrameHead, size)}, reply);
        rest.remove_prefix(kFrameHead + size);
    }
    heard_ = std::string(rest);
    return result;
}

std::optional<DialogueResult> GrpcDialogue::take(const Frame& frame_in, std::string& reply) {
    const bool ack = (frame_in.flags & kAck) != 0;
    if (frame_in.type == kSettings && !ack) {
        reply += frame(kSettings, kAck, 0, "");
    } else if (frame_in.type == kPing && !ack) {
        reply += frame(kPing, kAck, 0, frame_in.payload);
    } else if (frame_in.type == kGoAway || frame_in.type == kReset) {
        return failure("the server ends the call");
    } else if (frame_in.type == kData && frame_in.stream == 1) {
        return take_data(frame_in);
    } else if (frame_in.type == kHeaders && frame_in.stream == 1 &&
               (frame_in.flags & kEndStream) != 0) {
        return failure(probe_.service.empty() ? "no gRPC health service"
                                              : "no gRPC health service of that name");
    }
    return std::nullopt;
}

std::optional<DialogueResult> GrpcDialogue::take_data(const Frame& frame_in) {
    std::string_view data = frame_in.payload;
    if ((frame_in.flags & kPadded) != 0 && !data.empty()) {
        const std::size_t padding = byte_at(data, 0);
        data.remove_prefix(1);
        data = data.substr(0, data.size() - std::min(padding, data.size()));
    }
    message_ += data;
    if (message_.size() < kMessageHead) {
        return std::nullopt;
    }
    const std::size_t size = byte_at(message_, 1) << 24U | byte_at(message_, 2) << 16U |
                             byte_at(message_, 3) << 8U | byte_at(message_, 4);
    if (message_[0] != 0 || size > kMaxFrame) {
        return failure("an answer that is compressed or too long");
    }
    if (message_.size() < kMessageHead + size) {
        return std::nullopt;
    }
    const unsigned status = serving_status(std::string_view(message_).substr(kMessageHead, size));
    if (status == 1) {
        return DialogueResult{probe::Outcome::Success, ""};
    }
    return failure(status_word(status));
}

DialogueResult GrpcDialogue::failure(std::string_view why) const {
    const std::string who =
        probe_.service.empty() ? "" : fmt::format(" service {}", probe_.service);
    return {probe::Outcome::Failure, fmt::format("port {}:{} {}", port_, who, why)};
}

DialogueResult GrpcDialogue::closed() {
    return failure(greeted_ ? "closed without an answer" : "the answer is not HTTP/2");
}

std::string GrpcDialogue::pending() const {
    return failure("no answer").text;
}

}  // namespace podreeve::prober
