#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "agent/observe/observed.h"
#include "agent/plan/kept_volumes.h"
#include "manifests/model.h"
#include "runtime/base/clock.h"

// The pure difference desired − observed under a policy. Same inputs, byte-identical plan; an empty
// plan means converged. Nothing here knows a clock, a socket or a file.
namespace podreeve::plan {

// The task kinds. Their names (step_kinds.cpp) are stored, so that a new name needs a migration of
// the store. One handler file each.
enum class StepKind {
    CheckPorts,  // the host ports that will be asked for are free
    PullImage,
    EnsureNetwork,
    CreateVolume,
    WriteVolumeFiles,
    CreateSecret,   // also replaces one whose content differs
    CreateService,  // the service container
    CreatePod,
    CreateContainer,
    StartPod,  // with init containers and service container
    StartContainer,
    StopContainer,
    RetainContainer,  // stopped and renamed, kept until its successor is proved
    RenameContainer,  // somebody renamed it: it gets its name back and runs on
    RemoveContainer,
    StopPod,
    RemovePod,
    RemoveService,
    RemoveSecret,
    RemoveVolume,  // emptyDir, ConfigMap and Secret volumes only
    MarkDeployed,  // writes that this spec runs; the last step of a deploy
    // -- companions
    NoteUnits,  // which units run; undone last, by having systemd start them again
    InstallUnit,
    RemoveUnit,
    ReloadUnits,
    StartUnit,
    StopUnit,
    RestartUnit,
    ResetFailed,
    RemoveLeftover,  // the container of a unit that is gone
};

std::string_view to_string(StepKind kind);  // "create-container"
std::optional<StepKind> step_kind_from(std::string_view name);

struct Step {
    StepKind kind{};
    std::string part;                // of the app
    std::string object;              // podman's name of it
    std::string id;                  // podman's id, when it is there already
    std::string reason;              // "exited with 137 2s ago", "spec differs: image", "absent"
    std::string inverse;             // what undo does, in words
    std::string details = "{}";      // JSON the handler needs; never a secret
    std::vector<std::size_t> after;  // indexes into the app's steps
};

// Something that stands in the way and that a pass cannot repair.
struct Condition {
    std::string type;    // Conflict, Blocked, BackingOff, ManifestError, DeployFailed,
                         // Unknown, InternalError, SetAside, …
    std::string reason;  // CamelCase
    std::string message;
    std::string part;  // may be empty
    friend bool operator==(const Condition&, const Condition&) = default;
};

enum class AppAction { None, Deploy, Repair, Remove, Stop };
std::string_view to_string(AppAction action);

struct AppPlan {
    std::string app;
    // Of the app's companions, which have changes of their own beside those of the rest.
    bool companions = false;
    AppAction action = AppAction::None;
    std::string spec;  // hash of the AppSpec it leads to; empty for a removal
    std::int64_t generation = 0;
    std::vector<Step> steps;
    std::vector<Condition> conditions;
    bool asks_for_resources = false;    // with no step that does
    std::set<std::string> former = {};  // AppPolicy::former once it is carried out

    bool empty() const { return steps.empty(); }

    // What its change is about: the app, or companions_of() it.
    std::string subject() const;
};

// "web/companions": no app can be called so.
std::string companions_of(const std::string& app);
// The app that this subject is about, itself or by its companions.
std::string app_of(const std::string& subject);

struct Plan {
    std::map<std::string, AppPlan> apps;        // every app that is desired or observed
    std::map<std::string, AppPlan> companions;  // every app that has some
    std::string digest;                         // of all it was made from
    bool needs_resources = false;               // observe volumes, images… and plan again

    bool empty() const;
    // Whether the host is not as the manifests say: there are steps, or a condition tells what is
    // held back, or cannot be done or known. A plan can be empty and differ all the same.
    bool differs() const;
    // Whether there is a step or a condition of that app.
    bool speaks_of(const std::string& app) const;
};

// What supervise decides and plan obeys.
struct PartPolicy {
    bool hold_start = false;  // backing off, or the breaker is open
    std::string why;
};

struct CompanionPolicy {
    bool busy = false;     // a change of them is under way
    std::string deployed;  // companions_hash of the version that stood last; empty: none yet
    std::set<std::string> deployed_parts = {};  // of that version
    std::map<std::string, PartPolicy> parts = {};
    // By service: why one that keeps ending is not started yet. Another version of its file is
    // tried at once.
    std::map<std::string, std::string> resting = {};
    // Services that were started while systemd had them from another's file.
    std::set<std::string> foreign_runs = {};
};

// Of AppPolicy::grace_share.
inline constexpr std::int64_t kWholeGrace = 1000;

struct AppPolicy {
    std::string owner;
    std::int64_t generation = 1;
    std::string generation_spec;  // the hash the generation belongs to
    // The hash whose deploy ended well last, "" before the first. Not known: then only the labels
    // of the parts tell, and a change that touches none of them (a volume, a secret) goes unseen.
    std::optional<std::string> deployed_spec;
    KeptVolumes kept_volumes = {};
    // Apps that are no more and whose emptyDirs are this one's, which has their pods now.
    std::set<std::string> former = {};
    bool stopped = false;    // wanted down
    bool hold_stop = false;  // its stop or removal waits for others to be down
    std::string stop_why;    // why it is wanted down, or whom that waits for
    // How much of its containers' graces a stop of it may use, in thousandths: less than all while
    // a host goes down that does not wait so long.
    std::int64_t grace_share = kWholeGrace;
    std::int64_t request = 0;  // the number of the last request about it
    bool busy = false;         // a change of it is under way: plan nothing
    bool hold_start = false;   // waits for dependencies: nothing of it is started or created
    std::string why;
    std::map<std::string, PartPolicy> parts;
    // Containers whose state says stuck and that were seen so in an earlier pass too: recreate.
    std::set<std::string> stuck;

    struct Unhealthy {
        std::string why;                         // "liveness: port 80: connection refused"
        std::optional<std::int64_t> stop_grace;  // seconds; nothing: its spec's
    };

    // Containers, by id, that run and are to be stopped for their health's sake: whether and when
    // they are started again is their restart policy's business, as with any other end.
    std::map<std::string, Unhealthy> unhealthy;
    CompanionPolicy companions;
    // What weighing it threw, in words: nothing of it is planned, and all others are.
    std::string trouble;
    // Why it is set aside, in words: it is not even looked at, since that has ended the agent.
    std::string set_aside;
};

struct Policy {
    std::string owner;
    std::string owner_file;  // where that stands, for messages; empty: not known
    WallTime now{};          // for the words "2s ago" only: it is not part of the digest
    // Also of apps that are neither desired nor observed, so long as they are remembered: then what
    // is left of their volumes and secrets is looked for.
    std::map<std::string, AppPolicy> apps;
    // By the name of its volume, the app whose newest version has that emptyDir, though another may
    // be effective yet.
    std::map<std::string, std::string> empty_dirs = {};
    bool removals_allowed = true;  // false when a manifest directory could not be read
};

// That something of ours threw while it had this app in hand.
Condition internal_error(const std::string& thrown);

// What is told of an app that is set aside.
Condition set_aside(const std::string& why);

// What throws while one app is planned is a condition of that app, which is left as it is.
Plan diff(const manifests::Desired& desired,
          const observe::Observed& observed,
          const Policy& policy);

nlohmann::json to_json(const Plan& plan);
std::string to_text(const Plan& plan);  // for people, grouped by app, no colour

}  // namespace podreeve::plan
