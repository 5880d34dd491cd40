#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

// What is asked of a container over its network, and what came back: plain values, the words
// between the agent and podreeve-probe.
namespace podreeve::probe {

enum class Protocol : std::uint8_t { Http, Tcp, Grpc };

// One thing that may be asked again and again. Secret: the values of headers.
struct ProbeSpec {
    Protocol kind = Protocol::Tcp;
    pid_t pid = 0;                     // a process of the container: whose network is meant
    std::string host;                  // an address in there; empty: the container itself
    std::vector<std::uint16_t> ports;  // each has to answer
    std::string path;                  // http
    bool tls = false;                  // http
    std::vector<std::pair<std::string, std::string>> headers;  // http; 48 KiB at most, all told
    std::string service;                                       // grpc
    std::chrono::milliseconds timeout{1000};
    friend bool operator==(const ProbeSpec&, const ProbeSpec&) = default;
};

enum class Outcome : std::uint8_t {
    Success,
    Failure,
    Unknown,  // it could not be asked: nobody may conclude anything from that
};

struct ProbeResult {
    std::uint32_t probe = 0;
    Outcome outcome = Outcome::Unknown;
    std::string text;  // why not, for people: "port 80: connection refused"; empty with Success
    friend bool operator==(const ProbeResult&, const ProbeResult&) = default;
};

}  // namespace podreeve::probe
