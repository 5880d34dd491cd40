// Any bytes as podman's stream of events, or of a pull: lines of JSON.

#include "runtime/podman/log_frames.h"
#include "runtime/podman/wire.h"
#include "tests/fuzz/pieces.h"
#include "tests/fuzz/promise.h"

namespace podreeve::podman {
namespace {

using fuzz::promise;

std::vector<std::string> lines_of(std::string_view bytes, std::size_t size) {
    std::vector<std::string> out;
    LineSplitter lines([&](std::string_view line) {
        out.emplace_back(line);
        return true;
    });
    fuzz::arrive(bytes, size, [&](std::string_view piece) { return lines.feed(piece); });
    lines.finish();
    return out;
}

void check_event(std::string_view line) {
    const auto event = wire::read_event(line);
    promise(event || fuzz::is_clean(event.error().message), "a refusal can be told");
    promise(!event || !event->type.empty(), "an event is about something");
    const auto pull = wire::read_pull_line(line);
    promise(pull || fuzz::is_clean(pull.error().message), "a refusal can be told");
}

void check_stream(std::string_view bytes) {
    const auto whole = lines_of(bytes, bytes.size() + 1);
    for (const std::size_t size : fuzz::ways_to_arrive(bytes)) {
        promise(lines_of(bytes, size) == whole, "the lines are the same in any pieces");
    }
    for (const std::string& line : whole) {
        check_event(line);
    }
}

}  // namespace
}  // namespace podreeve::podman

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    podreeve::podman::check_stream(podreeve::fuzz::text_of(data, size));
    return 0;
}
