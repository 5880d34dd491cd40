// Any bytes as what an agent finds in its own state: a disk, a person or a later release may have
// made something else of it than was written.

#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

#include "agent/state/row_text.h"
#include "agent/supervise/decide/memory.h"
#include "manifests/accepted.h"
#include "manifests/presence.h"
#include "runtime/base/json_text.h"
#include "tests/fakes/temp_dir.h"
#include "tests/fuzz/promise.h"

namespace podreeve {
namespace {

namespace fs = std::filesystem;
using fuzz::promise;

void check_columns(const std::string& text) {
    if (const auto numbers = state::numbers_from_text(text)) {
        const auto again = state::numbers_from_text(state::numbers_to_text(*numbers));
        promise(again && *again == *numbers, "numbers are read back");
    }
    if (const auto log = state::log_from_text(text)) {
        const auto again = state::log_from_text(state::log_to_text(*log));
        promise(again && again->size() == log->size(), "a log is read back");
        for (const state::LogLine& line : *log) {
            promise(fuzz::is_clean(to_rfc3339(line.time)), "its times can be told");
        }
    }
}

void check_memory(const std::string& text) {
    const supervise::AppMemory memory = supervise::memory_from(text);
    promise(supervise::memory_from(supervise::to_extra(memory)) == memory, "it is read back");
    for (const supervise::RanVersion& version : memory.ran) {
        promise(fuzz::is_clean(to_rfc3339(version.since)), "a time can be told");
    }
    supervise::AppMemory noted = memory;
    supervise::note_ran(noted, {"ab12", 1, {}, false});
    promise(noted.ran.size() <= memory.ran.size() + 1, "one version is added at the most");
}

void check_presence(const std::string& text) {
    manifests::PresenceTracker presence({});
    presence.recall(json_object_from(text));
    const nlohmann::json kept = presence.to_json();
    manifests::PresenceTracker again({});
    again.recall(kept);
    promise(again.to_json() == kept, "the directories are read back");
}

// With one version whose file is that.
class Accepted {
  public:
    Accepted() { fs::create_directory(folder_ / "web"); }

    void check(const std::string& text) {
        std::ofstream(folder_ / "web" / "ab12.json", std::ios::binary) << text;
        manifests::AcceptedVersions versions(folder_);
        const auto loaded = versions.load("web", "ab12");
        if (!loaded) {
            return;
        }
        promise(versions.keep("web", "cd34", *loaded, false).has_value(), "it can be kept again");
        const auto again = versions.load("web", "cd34");
        promise(again && again->file == loaded->file && again->text == loaded->text &&
                    again->drop_ins == loaded->drop_ins &&
                    again->units.size() == loaded->units.size(),
                "a version is read back");
    }

  private:
    fakes::TempDir temp_;
    fs::path folder_ = temp_.path();
};

}  // namespace
}  // namespace podreeve

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace podreeve;
    static Accepted accepted;
    const std::string text(fuzz::text_of(data, size));
    check_columns(text);
    check_memory(text);
    check_presence(text);
    accepted.check(text);
    return 0;
}
