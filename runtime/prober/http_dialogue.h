#pragma once

#include "runtime/prober/dialogue.h"

namespace podreeve::prober {

// One GET after the kubelet's manner: 200 to 399 is a success, so a redirect is one too, and nobody
// follows it. The body is read to its end or to 10 KiB, so that no server sees its answer refused.
class HttpDialogue final : public Dialogue {
  public:
    HttpDialogue(const probe::ProbeSpec& probe, std::uint16_t port);

    std::string opening() override;
    std::optional<DialogueResult> hear(std::string_view bytes, std::string& reply) override;
    DialogueResult closed() override;
    std::string pending() const override;

  private:
    bool read_head();
    void take_body(std::string_view bytes);
    bool over() const;
    DialogueResult result() const;

    const probe::ProbeSpec& probe_;
    std::uint16_t port_;
    std::string heard_;      // the head so far, then nothing
    std::size_t heads_ = 0;  // bytes, all that came before the body
    int informational_ = 0;  // replies
    int status_ = 0;         // 0: not known yet
    std::optional<std::size_t> length_;
    bool chunked_ = false;
    std::size_t body_ = 0;
    std::string tail_;  // of the body
};

}  // namespace podreeve::prober
