#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <sys/types.h>

#include "runtime/base/clock.h"

namespace podreeve::systemd {

// One unit in systemd's own words; org.freedesktop.systemd1(5) says what each means. A name of
// which there is no unit file is not an error: its load_state is "not-found". What is said of
// services alone is empty or 0 for other units.
struct UnitState {
    std::string id;            // systemd's name for it; another than was asked for: an alias
    std::string load_state;    // loaded, not-found, masked, bad-setting, error…
    std::string load_error;    // why it is not loaded, in systemd's words; empty when it is
    std::string active_state;  // active, reloading, inactive, failed, activating, deactivating
    std::string sub_state;     // finer, by type: running, exited, auto-restart, listening…
    std::string file_state;    // generated, enabled, static, masked, masked-runtime…
    std::filesystem::path fragment_path;  // the unit file; of a Quadlet the generated one
    std::filesystem::path source_path;    // what that was generated from; of a Quadlet its file
    // A file of it is another than the one systemd has read. UnitWatch looks at the files too, for
    // systemd does not know it of a generated unit that is not in use. Quadlet's drop-ins are not
    // among those files: compare their times to UnitTable::loaded_at.
    bool needs_reload = false;
    bool has_job = false;     // something was asked of it that is under way or waits
    WallTime active_since{};  // when it was last activated; the epoch: not since systemd started
    // When it last went down, or ended as a one-shot does that was never "active" in between; the
    // epoch: not since systemd has it in memory, where it keeps no unit that is not in use.
    WallTime inactive_since{};
    std::string invocation;  // of its last start, as the journal names it; empty: never started
    // -- services
    std::string result;  // how it last ended: success, exit-code, signal, timeout, start-limit-hit…
    int exit_status = 0;     // of its main process: the exit code, or the signal's number
    pid_t main_pid = 0;      // 0 when it has none
    Duration stop_within{};  // TimeoutStopSec=; the longest there is: for ever
    unsigned restarts = 0;   // how often systemd restarted it since it was last started by a job

    bool is_active() const { return active_state == "active" || active_state == "reloading"; }

    bool is_down() const { return active_state == "inactive" || active_state == "failed"; }

    // By a generator, whose directories systemd.generator(7) names; also of one of which systemd
    // does not say where its file is.
    bool is_generated() const {
        return fragment_path.empty() ||
               fragment_path.parent_path().filename().string().starts_with("generator");
    }

    bool is_masked() const { return load_state == "masked"; }

    // Was started since systemd has it in memory, and is over without a complaint.
    bool has_ended_well() const {
        return active_state == "inactive" && result == "success" && inactive_since != WallTime{};
    }

    friend bool operator==(const UnitState&, const UnitState&) = default;
};

// The units that were asked for, each by the name that was asked for, all of one moment.
struct UnitTable {
    std::map<std::string, UnitState> units;
    // When systemd last ran its generators and read its unit files. A file that is younger was not
    // seen by it; one that is older and has brought no unit was refused.
    WallTime loaded_at{};

    // nullptr for a name that nobody watches.
    const UnitState* find(const std::string& name) const;

    friend bool operator==(const UnitTable&, const UnitTable&) = default;
};

// Whether systemd would take this as the name of one unit: a known suffix, no template without its
// instance, none but the letters that are allowed.
bool is_unit_name(std::string_view name);

// Whether a pass could have anything to do after this change: a unit came up, went down, failed, is
// being restarted by systemd, was masked, loaded or edited. Not the steps in between.
bool is_hint(const UnitState& before, const UnitState& after);

}  // namespace podreeve::systemd
