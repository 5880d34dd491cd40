#include "runtime/prober/dialogue.h"

#include "runtime/prober/grpc_dialogue.h"
#include "runtime/prober/http_dialogue.h"

namespace podreeve::prober {

std::unique_ptr<Dialogue> make_dialogue(const probe::Question& question, std::uint16_t port) {
    switch (question.kind) {
        case probe::Kind::Http:
            return std::make_unique<HttpDialogue>(question, port);
        case probe::Kind::Grpc:
            return std::make_unique<GrpcDialogue>(question, port);
        case probe::Kind::Tcp:
            break;
    }
    return nullptr;
}

}  // namespace podreeve::prober
