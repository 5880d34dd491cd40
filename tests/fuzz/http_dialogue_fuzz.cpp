// Any bytes as what a server answers to an HTTP probe.

#include "tests/fuzz/answers.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace podreeve;
    probe::ProbeSpec probe;
    probe.kind = probe::Protocol::Http;
    probe.ports = {8080};
    probe.path = "/healthz?key=secret";
    probe.headers = {{"X-Key", "1"}};
    fuzz::check_answer(probe, fuzz::text_of(data, size));
    return 0;
}
