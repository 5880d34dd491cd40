#include "runtime/prober/dialogue.h"

#include "runtime/prober/grpc_dialogue.h"
#include "runtime/prober/http_dialogue.h"

namespace podreeve::prober {

std::unique_ptr<Dialogue> make_dialogue(const probe::ProbeSpec& probe, std::uint16_t port) {
    switch (probe.kind) {
        case probe::Protocol::Http:
            return std::make_unique<HttpDialogue>(probe, port);
        case probe::Protocol::Grpc:
            return std::make_unique<GrpcDialogue>(probe, port);
        case probe::Protocol::Tcp:
            break;
    }
    return nullptr;
}

}  // namespace podreeve::prober
