// Any bytes as what a server answers to a gRPC probe: HTTP/2 frames.

#include "tests/fuzz/answers.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace podreeve;
    probe::Question question;
    question.kind = probe::Kind::Grpc;
    question.ports = {9000};
    question.service = size % 2 == 0 ? "" : "db";
    fuzz::check_answer(question, fuzz::text_of(data, size));
    return 0;
}
