// A parser with a bug that was put there on purpose, to show that fuzzing finds one: a text behind
// "pod:" and its length, which is believed.

#include <vector>

#include "tests/fuzz/promise.h"

namespace podreeve::fuzz {
namespace {

unsigned sum_of_text(const std::uint8_t* data, std::size_t size) {
    constexpr std::string_view kMark = "pod:";
    if (size <= kMark.size() || !text_of(data, size).starts_with(kMark)) {
        return 0;
    }
    const std::size_t length = data[kMark.size()];
    const std::size_t begin = kMark.size() + 1;
#ifndef PODREEVE_FUZZ_PLANTED
    if (length > size - begin) {
        return 0;
    }
#endif
    unsigned sum = 0;
    for (std::size_t at = begin; at < begin + length; ++at) {
        sum += data[at];
    }
    return sum;
}

}  // namespace
}  // namespace podreeve::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // A block of just that size, so that the sanitizer knows where it ends.
    const std::vector<std::uint8_t> own(data, data + size);
    podreeve::fuzz::promise(podreeve::fuzz::sum_of_text(own.data(), own.size()) <= 255U * 255U,
                            "a sum has a limit");
    return 0;
}
