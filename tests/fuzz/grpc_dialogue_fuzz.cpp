// Any bytes as what a server answers to a gRPC probe: HTTP/2 frames.

#include "tests/fuzz/answers.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace podreeve;
    probe::ProbeSpec probe;
    probe.kind = probe::Protocol::Grpc;
    probe.ports = {9000};
    probe.service = size % 2 == 0 ? "" : "db";
    fuzz::check_answer(probe, fuzz::text_of(data, size));
    return 0;
}
