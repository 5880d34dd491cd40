#pragma once

#include "runtime/prober/dialogue.h"

namespace podreeve::prober {

// grpc.health.v1.Health/Check over HTTP/2 without TLS: one request, and as much of the protocol as
// one answer needs. Headers are not decoded: a message that says SERVING is the success, and an end
// without a message means that there is no health service, or not of that name.
class GrpcDialogue final : public Dialogue {
  public:
    GrpcDialogue(const probe::ProbeSpec& probe, std::uint16_t port);

    std::string opening() override;
    std::optional<DialogueResult> hear(std::string_view bytes, std::string& reply) override;
    DialogueResult closed() override;
    std::string pending() const override;

  private:
    struct Frame {
        unsigned type = 0, flags = 0, stream = 0;
        std::string_view payload;
    };

    std::optional<DialogueResult> take(const Frame& frame, std::string& reply);
    std::optional<DialogueResult> take_data(const Frame& frame);
    DialogueResult failure(std::string_view why) const;

    const probe::ProbeSpec& probe_;
    std::uint16_t port_;
    std::string heard_;    // what is no whole frame yet
    std::string message_;  // of gRPC, so far
    bool greeted_ = false;
    int frames_ = 0;
    std::size_t bytes_ = 0;  // heard
};

}  // namespace podreeve::prober
