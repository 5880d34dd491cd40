// Any bytes as what a server answers to an HTTP probe.

#include "tests/fuzz/answers.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace podreeve;
    probe::Question question;
    question.kind = probe::Kind::Http;
    question.ports = {8080};
    question.path = "/healthz?key=secret";
    question.headers = {{"X-Key", "1"}};
    fuzz::check_answer(question, fuzz::text_of(data, size));
    return 0;
}
