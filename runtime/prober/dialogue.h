#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/probe/probe_spec.h"

namespace podreeve::prober {

struct DialogueResult {
    probe::Outcome outcome = probe::Outcome::Failure;
    std::string text;  // empty with Success
    friend bool operator==(const DialogueResult&, const DialogueResult&) = default;
};

// What is said and heard on one connection that is open, as bytes; knows nothing of sockets.
class Dialogue {
  public:
    virtual ~Dialogue() = default;
    // What to say first.
    virtual std::string opening() = 0;
    // Takes what came. Nothing: more is needed, after reply was sent.
    virtual std::optional<DialogueResult> hear(std::string_view bytes, std::string& reply) = 0;
    // The other side said its last.
    virtual DialogueResult closed() = 0;
    // How far it came, for a question that ran out of time: "no answer".
    virtual std::string pending() const = 0;
};

// For Http and Grpc; null for Tcp, where an open connection is the answer. The question must
// outlive it.
std::unique_ptr<Dialogue> make_dialogue(const probe::ProbeSpec& probe, std::uint16_t port);

}  // namespace podreeve::prober
