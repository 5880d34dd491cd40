// Any bytes as what podman's generator of units prints in a dry run: the units, and behind a line
// "#### complaints" its complaints (files.h); and as names that systemd would have.

#include "runtime/systemd/escape.h"
#include "runtime/systemd/quadlet_generator.h"
#include "runtime/systemd/unit_state.h"
#include "tests/fuzz/files.h"
#include "tests/fuzz/promise.h"

namespace podreeve::systemd {
namespace {

using fuzz::promise;

void check_told(const std::map<std::string, std::vector<std::string>>& reported) {
    for (const auto& [file, messages] : reported) {
        promise(!messages.empty(), "a file that is named has a message");
        promise(fuzz::is_clean(file), "a file's name can be told");
        for (const std::string& message : messages) {
            promise(fuzz::is_clean(message), "a message can be told");
        }
    }
}

void check_run(const std::string& output, const std::string& complaints) {
    const DryRun run = read_dry_run(output, complaints);
    for (const auto& [unit, text] : run.services) {
        promise(output.find(unit) != std::string::npos, "no unit is made up");
    }
    for (const auto& [unit, file] : run.sources) {
        promise(run.services.contains(unit), "what has a source is a unit");
    }
    check_told(run.errors);
    check_told(run.warnings);
}

void check_name(std::string_view text) {
    const auto back = unescape(escape(text));
    promise(back && *back == text, "what is escaped comes back");
    if (const auto plain = unescape(text)) {
        promise(unescape(escape(*plain)).has_value(), "what was read can be written");
    }
    if (const auto path = escape_path(text)) {
        promise(unescape(*path).has_value(), "an escaped path can be read");
    }
    promise(!is_unit_name(text) || text.find('/') == text.npos, "a unit's name is no path");
}

}  // namespace
}  // namespace podreeve::systemd

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace podreeve;
    const auto files = fuzz::files_in(fuzz::text_of(data, size));
    systemd::check_run(files.front().text, files.size() > 1 ? files[1].text : "");
    systemd::check_name(fuzz::text_of(data, size));
    return 0;
}
