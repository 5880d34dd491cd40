#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/plan/companion_views.h"
#include "agent/plan/plan.h"

// What is to become of one companion, before any step is written. Pure.
namespace podreeve::plan {

struct UnitCase {
    std::string name;                 // the app's
    const observe::Companions& seen;  // units are known
    const observe::Observed& observed;
    const AppPolicy& policy;
    const std::map<std::string, std::string>& refused;
    bool deployed = false;  // the version that is wanted is the one that stood last
};

enum class UnitAct { Leave, Start, ResetAndStart, Restart };

struct UnitServiceDecision {
    std::string name;
    UnitAct act = UnitAct::Leave;
    std::string reason;
};

struct UnitDecision {
    const manifests::CompanionSpec* spec = nullptr;
    const CompanionView* view = nullptr;
    bool install = false;
    std::string why_install;
    std::uint64_t generation = 0;   // of the installed file: that in which it last changed
    std::optional<WallTime> since;  // its time, where what runs is known to be made from this text
    std::string why_reload;         // why systemd has to read its files; empty: it has
    std::vector<UnitServiceDecision> services;
};

UnitDecision evaluate_unit(const UnitCase& app,
                           const manifests::CompanionSpec& companion,
                           const CompanionView& view,
                           std::vector<Condition>& conditions);

// The services that a file stands for: those of its instances when it is a template.
std::vector<std::string> services_of(const observe::InstalledUnit& unit);
std::string file_of(const observe::InstalledUnit& unit);

// systemd has made this service from this file of the app's, or knows no file of it any more.
bool is_ours(const UnitCase& app, const std::string& file_name, const systemd::UnitState& state);

}  // namespace podreeve::plan
