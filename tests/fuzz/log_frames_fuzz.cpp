// Any bytes as podman's stream of a container's log.

#include "runtime/podman/log_frames.h"
#include "tests/fuzz/pieces.h"
#include "tests/fuzz/promise.h"

namespace podreeve::podman {
namespace {

using fuzz::promise;
using Lines = std::vector<std::pair<int, std::string>>;

// Ends after so many lines.
Lines read_lines(std::string_view bytes, std::size_t size, std::size_t most) {
    Lines out;
    LogFrames frames([&](int stream, std::string_view line) {
        promise(stream == 1 || stream == 2, "a line is of one of two streams");
        promise(line.find('\n') == line.npos, "a line is one line");
        out.emplace_back(stream, line);
        return out.size() < most;
    });
    if (fuzz::arrive(bytes, size, [&](std::string_view piece) { return frames.feed(piece); })) {
        frames.finish();
    }
    return out;
}

void check_stream(std::string_view bytes) {
    const Lines whole = read_lines(bytes, bytes.size() + 1, bytes.size() + 2);
    for (const std::size_t size : fuzz::ways_to_arrive(bytes)) {
        promise(read_lines(bytes, size, bytes.size() + 2) == whole,
                "the lines are the same in any pieces");
    }
    if (whole.size() > 1) {
        const std::size_t half = whole.size() / 2;
        promise(read_lines(bytes, 7, half).size() == half, "it ends when it is told to");
    }
}

}  // namespace
}  // namespace podreeve::podman

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    podreeve::podman::check_stream(podreeve::fuzz::text_of(data, size));
    return 0;
}
