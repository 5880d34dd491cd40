#include "agent/handlers/start_stop.h"

#include <algorithm>

#include <fmt/format.h>

#include "agent/handlers/ownership.h"
#include "agent/handlers/service_container.h"
#include "agent/handlers/sub_paths.h"
#include "agent/observe/observed.h"
#include "agent/plan/steps.h"
#include "runtime/base/room.h"

namespace podreeve::handlers {

namespace {

using manifests::ContainerRole;
using podman::ContainerState;
using podman::PodStatus;

constexpr unsigned kDefaultGrace = 10;
constexpr auto kBeyondGrace = std::chrono::seconds(15);
constexpr auto kKillTime = std::chrono::seconds(5);
constexpr auto kStartTime = std::chrono::seconds(60);
// An init container that ends at once is worth waiting for; a slow one must not hold a worker.
constexpr auto kInitPatience = std::chrono::milliseconds(300);
constexpr auto kInitPause = std::chrono::milliseconds(700);

bool has_never_run(ContainerState state) {
    return state == ContainerState::Created || state == ContainerState::Configured ||
           state == ContainerState::Initialized;
}

bool has_ended(ContainerState state) {
    return state == ContainerState::Exited || state == ContainerState::Stopped;
}

const podman::PodSummary::Member* member_named(const podman::PodSummary& pod,
                                               const std::string& name) {
    const auto found = std::find_if(pod.members.begin(), pod.members.end(),
                                    [&](const auto& m) { return m.name == name; });
    return found == pod.members.end() ? nullptr : &*found;
}

bool all_run(const PodStart& what) {
    return !what.wanted.empty() &&
           std::all_of(what.wanted.begin(), what.wanted.end(), [&](const std::string& name) {
               const auto* member = member_named(what.pod, name);
               return member != nullptr && member->state == ContainerState::Running;
           });
}

std::vector<const manifests::ContainerSpec*> init_containers(const PodStart& what) {
    std::vector<const manifests::ContainerSpec*> inits;
    if (what.spec == nullptr) {
        return inits;
    }
    for (const manifests::ContainerSpec& container : what.spec->containers) {
        if (container.pod == what.part && container.role == ContainerRole::Init &&
            member_named(what.pod, container.name) != nullptr) {
            inits.push_back(&container);
        }
    }
    return inits;
}

// Of the container as it was made, when that version is this one.
const manifests::ContainerSpec* made_from(const manifests::AppSpec* app,
                                          const std::map<std::string, std::string>& labels) {
    const auto part = labels.find(observe::kLabelPart);
    const auto hash = labels.find(observe::kLabelSpec);
    if (app == nullptr || part == labels.end() || hash == labels.end()) {
        return nullptr;
    }
    const manifests::ContainerSpec* spec = app->find_container(part->second);
    return spec != nullptr && plan::label_spec(*spec) == hash->second ? spec : nullptr;
}

// What it mounts may have become something else since it was made. Of a version that is kept
// nowhere, what the wanted one mounts tells.
std::vector<manifests::Mount> mounts_of(const Task& task,
                                        const podman::ContainerDetails& container) {
    const auto& labels = container.summary.labels;
    const auto wanted = task.world.specs.find(task.app, task.spec);
    const manifests::ContainerSpec* spec = made_from(wanted.get(), labels);
    const auto before = spec == nullptr ? task.deployed_spec() : nullptr;
    spec = spec == nullptr ? made_from(before.get(), labels) : spec;
    const auto part = labels.find(observe::kLabelPart);
    if (spec == nullptr && wanted != nullptr && part != labels.end()) {
        spec = wanted->find_container(part->second);
    }
    return spec == nullptr ? std::vector<manifests::Mount>() : spec->mounts;
}

// Those of a pod that are to be started.
std::vector<const manifests::ContainerSpec*> starting(const PodStart& what) {
    std::vector<const manifests::ContainerSpec*> starting;
    if (what.spec == nullptr) {
        return starting;
    }
    for (const manifests::ContainerSpec& container : what.spec->containers) {
        const auto* member = member_named(what.pod, container.name);
        if (container.pod == what.part && member != nullptr &&
            member->state != ContainerState::Running) {
            starting.push_back(&container);
        }
    }
    return starting;
}

Status check_mounts(const Task& task, const PodStart& what) {
    for (const manifests::ContainerSpec* container : starting(what)) {
        RETURN_IF_ERROR(check_sub_paths(task, container->mounts));
    }
    return {};
}

Status start_service(Task& task, const PodStart& what) {
    if (what.service.empty()) {
        return {};
    }
    ASSIGN_OR_RETURN(const auto service, find_container(task, what.service));
    if (!service) {
        return fail(Code::NotFound,
                    fmt::format("cannot start pod {}: its service container {} is not there",
                                what.pod.name, what.service));
    }
    const auto link = what.pod.labels.find(observe::kLabelService);
    const bool linked = link != what.pod.labels.end() && link->second == service->summary.id;
    if (!linked && !is_ours(task, service->summary.labels)) {
        return not_ours(task, "container", what.service);
    }
    return start(task, *service);
}

Error init_error(const PodStart& what, const std::string& name, int code) {
    return {Code::Internal,
            fmt::format("cannot start pod {0}: its init container {1} ended with exit code {2}; "
                        "`podman logs {1}` shows what it said",
                        what.pod.name, name, code)};
}

// Done once it has ended well and is removed, as podman does with init containers of type once.
HandlerResult run_init(Task& task, const PodStart& what, const std::string& name) {
    ASSIGN_OR_RETURN(const auto container, own_container(task, name));
    if (!container) {
        return done();
    }
    const std::string key = "init " + name;
    const std::string& id = container->summary.id;
    // An end that this task did not start is that of an earlier try: it is run again.
    const bool ours = task.saved(key.c_str()) == id;
    if (!is_running(*container) && !(ours && has_ended(container->summary.state))) {
        RETURN_IF_ERROR(task.save(key.c_str(), id));
        RETURN_IF_ERROR(mount_and_look(task, id, mounts_of(task, *container)));
        const auto started = task.world.podman.start_container(id, task.call(kStartTime));
        if (!started) {
            return refused(task, started.error());
        }
    }
    const Result<int> code = task.world.podman.wait_container(id, task.call(kInitPatience));
    if (!code && code.error().code == Code::Timeout) {
        return retry(kInitPause, fmt::format("init container {} is running", name));
    }
    RETURN_IF_ERROR(code);
    if (*code != 0) {
        return init_error(what, name, *code);
    }
    RETURN_IF_ERROR(task.world.podman.remove_container(id, {}, task.call()));
    return done();
}

// podman's start of a pod starts all that is in it, also what is to stay down, and leaves no time
// to look at what was mounted.
bool can_start_at_once(const PodStart& what) {
    const bool looks = std::ranges::any_of(
        starting(what), [](const auto* container) { return has_sub_paths(container->mounts); });
    return what.wanted.empty() ||
           (!looks && std::ranges::all_of(what.pod.members, [&](const auto& member) {
               return member.id == what.pod.infra_id ||
                      std::ranges::find(what.wanted, member.name) != what.wanted.end();
           }));
}

Status start_members(Task& task, const PodStart& what) {
    if (can_start_at_once(what)) {
        const auto started = task.world.podman.start_pod(what.pod.id, task.call(kStartTime));
        return started ? Status{} : Status(refused(task, started.error()));
    }
    std::string refused;
    for (const std::string& name : what.wanted) {
        ASSIGN_OR_RETURN(const auto container, own_container(task, name));
        const Status started =
            container ? start(task, *container)
                      : fail(Code::NotFound,
                             fmt::format("cannot start container {}: it is not there", name));
        if (!started && started.error().code == Code::Cancelled) {
            return started;
        }
        if (!started) {
            refused += (refused.empty() ? "" : "; ") + started.error().message;
        }
    }
    return refused.empty() ? Status{} : Status(fail(Code::Internal, refused));
}

// One that ended at once is the next pass's to judge, by its restart policy; one that never began
// was not started at all.
Status check_started(Task& task, const PodStart& what) {
    ASSIGN_OR_RETURN(const podman::PodSummary pod,
                     task.world.podman.inspect_pod(what.pod.id, task.call()));
    for (const std::string& name : what.wanted) {
        const auto* member = member_named(pod, name);
        if (member == nullptr || has_never_run(member->state)) {
            return fail(Code::Internal,
                        fmt::format("cannot start pod {}: podman did not start {} ({})", pod.name,
                                    name, member == nullptr ? "absent" : to_string(member->state)));
        }
        if (member->state != ContainerState::Running) {
            task.log(fmt::format("{} is {} already", name, to_string(member->state)));
        }
    }
    return {};
}

std::string service_of(const podman::PodSummary& pod) {
    const auto label = pod.labels.find(observe::kLabelService);
    return label == pod.labels.end() ? "" : label->second;
}

unsigned grace_in(const manifests::AppSpec& app, const std::string& part, unsigned otherwise) {
    std::optional<std::int64_t> longest;
    for (const manifests::ContainerSpec& container : app.containers) {
        if (container.part == part || container.pod == part) {
            longest = std::max(longest.value_or(0), std::int64_t{container.stop_grace.count()});
        }
    }
    return longest ? static_cast<unsigned>(*longest) : otherwise;
}

// podman was to have killed it itself by now. What this does not end either is abandoned: the error
// says so, and nobody waits for it any longer.
Status kill_it(Task& task, const std::string& id, const std::string& name) {
    task.log(fmt::format("podman has not stopped {} in time: it is killed", name));
    const Status killed = task.world.podman.kill_container(id, "SIGKILL", task.call(kKillTime));
    if (!killed && killed.error().code == Code::NotFound) {
        return {};
    }
    ASSIGN_OR_RETURN(const auto left, find_container(task, id));
    if (!left || has_ended(left->summary.state)) {
        return {};
    }
    const Result<int> code = task.world.podman.wait_container(id, task.call(kKillTime));
    if (code || code.error().code == Code::NotFound) {
        return {};
    }
    return fail(Code::Internal,
                fmt::format("cannot stop container {}: it lives on after its grace and SIGKILL, "
                            "and is abandoned ({})",
                            name, code.error().message));
}

// podman also reports what went wrong after the end: on a host that goes down netavark cannot start
// its name server again, and so not take the network of the infra container down.
Status explain_refused_stop(Task& task, const podman::PodSummary& pod, const Error& said) {
    const auto now = task.world.podman.inspect_pod(pod.id, task.call());
    if (!now) {
        return now.error().code == Code::NotFound ? Status{} : said;
    }
    const bool down = std::all_of(now->members.begin(), now->members.end(), [](const auto& member) {
        return has_ended(member.state) || has_never_run(member.state);
    });
    if (!down) {
        return said;
    }
    task.log(fmt::format("pod {} is down; podman said: {}", pod.name, said.message));
    return {};
}

Status kill_members(Task& task, const podman::PodSummary& pod) {
    ASSIGN_OR_RETURN(const podman::PodSummary now,
                     task.world.podman.inspect_pod(pod.id, task.call(kKillTime)));
    std::string abandoned;
    for (const podman::PodSummary::Member& member : now.members) {
        if (has_ended(member.state) || has_never_run(member.state)) {
            continue;
        }
        if (const Status killed = kill_it(task, member.id, member.name); !killed) {
            abandoned += (abandoned.empty() ? "" : "; ") + killed.error().message;
        }
    }
    return abandoned.empty() ? Status{} : Status(fail(Code::Internal, abandoned));
}

}  // namespace

bool is_up(podman::PodStatus status) {
    return status == PodStatus::Running || status == PodStatus::Degraded ||
           status == PodStatus::Paused;
}

bool is_being_stopped(const podman::ContainerDetails& container) {
    return container.summary.state == ContainerState::Stopping;
}

unsigned grace_of(const Task& task) {
    if (const auto seconds = task.number("grace"); seconds && *seconds >= 0) {
        return static_cast<unsigned>(*seconds);
    }
    const auto spec = task.deployed_spec();
    return spec && !task.part.empty() ? grace_in(*spec, task.part, kDefaultGrace) : kDefaultGrace;
}

Error refused(Task& task, Error said) {
    const bool passes = said.code == Code::Unavailable || said.code == Code::Timeout ||
                        said.code == Code::Cancelled || is_no_room(said.message);
    const Status saved = passes ? Status{} : task.save_once("refused", "yes");
    if (!saved) {
        task.log(saved.error().message);
    }
    return said;
}

Status start(Task& task, const podman::ContainerDetails& container) {
    if (is_running(container)) {
        return {};
    }
    const std::vector<manifests::Mount> mounts = mounts_of(task, container);
    RETURN_IF_ERROR(check_sub_paths(task, mounts));
    RETURN_IF_ERROR(mount_and_look(task, container.summary.id, mounts));
    const auto started =
        task.world.podman.start_container(container.summary.id, task.call(kStartTime));
    if (!started) {
        // The service container is in none.
        const bool in_pod = !container.summary.pod_id.empty();
        return in_pod ? refused(task, started.error()) : started.error();
    }
    return {};
}

Status stop(Task& task, const podman::ContainerDetails& container, unsigned grace) {
    if (has_ended(container.summary.state) || has_never_run(container.summary.state)) {
        return {};
    }
    if (container.summary.state == ContainerState::Paused) {
        task.log(
            fmt::format("{} was paused, and goes on so that it can stop", container.summary.name));
        RETURN_IF_ERROR(task.world.podman.unpause_container(container.summary.id, task.call()));
    }
    const auto stopped = task.world.podman.stop_container(
        container.summary.id, grace, task.call(std::chrono::seconds(grace) + kBeyondGrace));
    if (stopped || stopped.error().code == Code::NotFound) {
        return {};
    }
    if (stopped.error().code == Code::Timeout) {
        return kill_it(task, container.summary.id, container.summary.name);
    }
    if (stopped.error().code == Code::Internal) {
        // "conmon exited prematurely": its monitor was killed; podman has found the end out by now.
        ASSIGN_OR_RETURN(const auto left, find_container(task, container.summary.id));
        if (!left || has_ended(left->summary.state)) {
            return {};
        }
    }
    return stopped.error();
}

HandlerResult start_up(Task& task, const PodStart& what) {
    if (all_run(what)) {
        return done();
    }
    RETURN_IF_ERROR(check_mounts(task, what));
    const auto inits = init_containers(what);
    // Podman itself starts a held one with the pod, but not with a container of it.
    if (!what.held || !inits.empty() || !can_start_at_once(what)) {
        RETURN_IF_ERROR(start_service(task, what));
    }
    for (const manifests::ContainerSpec* init : inits) {
        ASSIGN_OR_RETURN(auto outcome, run_init(task, what, init->name));
        if (!std::holds_alternative<state::TaskDone>(outcome)) {
            return outcome;
        }
    }
    PodStart rest = what;
    if (!inits.empty()) {
        ASSIGN_OR_RETURN(rest.pod, task.world.podman.inspect_pod(what.pod.id, task.call()));
    }
    RETURN_IF_ERROR(start_members(task, rest));
    RETURN_IF_ERROR(check_started(task, rest));
    return done();
}

Status stop_pod_of(Task& task, const podman::PodSummary& pod, unsigned grace) {
    for (const podman::PodSummary::Member& member : pod.members) {
        if (member.state == ContainerState::Paused && member.id != pod.infra_id) {
            task.log(fmt::format("{} was paused, and goes on so that it can stop", member.name));
        }
    }
    // Its members are stopped one after the other when it is not wholly running.
    const auto members = static_cast<unsigned>(std::max<std::size_t>(1, pod.members.size()));
    const auto stopped = task.world.podman.stop_pod(
        pod.id, grace, task.call(std::chrono::seconds(grace) * members + kBeyondGrace));
    if (stopped || stopped.error().code == Code::NotFound) {
        return {};
    }
    if (stopped.error().code == Code::Timeout) {
        return kill_members(task, pod);
    }
    if (stopped.error().code == Code::Internal) {
        return explain_refused_stop(task, pod, stopped.error());
    }
    return stopped.error();
}

Status stop_idle_service(Task& task, const podman::PodSummary& stopped) {
    const std::string service = service_of(stopped);
    if (service.empty()) {
        return {};
    }
    ASSIGN_OR_RETURN(const auto pods, task.world.podman.list_pods(task.call()));
    const bool needed = std::any_of(pods.begin(), pods.end(), [&](const auto& other) {
        return other.id != stopped.id && service_of(other) == service && is_up(other.status);
    });
    if (needed) {
        return {};
    }
    // A plain one has a task of its own.
    ASSIGN_OR_RETURN(const auto container, find_container(task, service));
    return container && container->is_service ? stop(task, *container, 1) : Status{};
}

}  // namespace podreeve::handlers
