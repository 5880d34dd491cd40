#include <mutex>

#include "agent/observe/host_checks.h"
#include "runtime/podman/command.h"
#include "runtime/probe/prober_process.h"
#include "runtime/probe/wire.h"
#include "runtime/process/identity.h"
#include "runtime/process/spawn.h"
#include "tests/fakes/throwing_calls.h"

// As throwing_base.cpp. The prober is stood in for: each question gets a success at once, so that
// it is no matter how long a process of its own would take, while time is a fake one.
namespace podreeve::fakes {
namespace {

using probe::ProberProcess;
using process::Presence;
using Path = std::filesystem::path;
using Launched = Result<std::unique_ptr<ProberProcess>>;
using Answers = Result<std::vector<probe::ProbeResult>>;
using Words = std::vector<std::string>;

std::mutex mutex;
ProberProcess::Listener listener;  // of the process that was started last

void result(std::string_view packet) {
    std::vector<probe::ProbeResult> results;
    const auto orders = probe::wire::read_orders(packet);
    for (const probe::wire::Order& order : orders ? *orders : std::vector<probe::wire::Order>()) {
        if (const auto* ask = std::get_if<probe::wire::Ask>(&order)) {
            for (const std::uint32_t probe : ask->probes) {
                results.push_back({probe, probe::Outcome::Success, ""});
            }
        }
    }
    const std::lock_guard lock(mutex);
    for (const std::string& text : probe::wire::write_results(results)) {
        listener.on_packet(text);
    }
}

}  // namespace

Launched real_launch(const Path& program, ProberProcess::Listener reported) __asm__(
    "__real__ZN8podreeve5probe13ProberProcess5startERKNSt10filesystem7__cxx114pathENS1_"
    "8ListenerE");
Launched wrapped_launch(const Path& program, ProberProcess::Listener reported) __asm__(
    "__wrap__ZN8podreeve5probe13ProberProcess5startERKNSt10filesystem7__cxx114pathENS1_"
    "8ListenerE");

// The process is a real one that says nothing.
Launched wrapped_launch(const Path& program, ProberProcess::Listener reported) {
    return made(Adapter::Prober, [&] {
        {
            const std::lock_guard lock(mutex);
            listener = reported;
        }
        return real_launch(program, std::move(reported));
    });
}

Status
wrapped_send(ProberProcess* self, std::string_view packet, const probe::Namespaces& with) __asm__(
    "__wrap__ZN8podreeve5probe13ProberProcess4sendESt17basic_string_viewIcSt11char_"
    "traitsIcEERKNS0_10NamespacesE");

Status wrapped_send(ProberProcess*, std::string_view packet, const probe::Namespaces&) {
    return made(Adapter::Prober, [&] {
        result(packet);
        return Status();
    });
}

Result<probe::Namespaces> real_namespaces(pid_t pid) __asm__(
    "__real__ZN8podreeve5probe15open_namespacesEi");
Result<probe::Namespaces> wrapped_namespaces(pid_t pid) __asm__(
    "__wrap__ZN8podreeve5probe15open_namespacesEi");

Result<probe::Namespaces> wrapped_namespaces(pid_t pid) {
    return made(Adapter::Prober, [&] { return real_namespaces(pid); });
}

Answers real_answers(std::string_view packet) __asm__(
    "__real__ZN8podreeve5probe4wire12read_resultsESt17basic_string_viewIcSt11char_traitsIcEE");
Answers wrapped_answers(std::string_view packet) __asm__(
    "__wrap__ZN8podreeve5probe4wire12read_resultsESt17basic_string_viewIcSt11char_traitsIcEE");

Answers wrapped_answers(std::string_view packet) {
    return made(Adapter::Prober, [&] { return real_answers(packet); });
}

Result<int> real_command(podman::Client& podman, const podman::CommandRun& what) __asm__(
    "__real__ZN8podreeve6podman11run_commandERNS0_6ClientERKNS0_10CommandRunE");
Result<int> wrapped_command(podman::Client& podman, const podman::CommandRun& what) __asm__(
    "__wrap__ZN8podreeve6podman11run_commandERNS0_6ClientERKNS0_10CommandRunE");

Result<int> wrapped_command(podman::Client& podman, const podman::CommandRun& what) {
    return made(Adapter::Exec, [&] { return real_command(podman, what); });
}

Presence real_belongs(pid_t pid, const std::string& container, const Path& proc) __asm__(
    "__real__ZN8podreeve7process10belongs_toEiRKNSt7__cxx1112basic_stringIcSt11char_"
    "traitsIcESaIcEEERKNSt10filesystem7__cxx114pathE");
Presence wrapped_belongs(pid_t pid, const std::string& container, const Path& proc) __asm__(
    "__wrap__ZN8podreeve7process10belongs_toEiRKNSt7__cxx1112basic_stringIcSt11char_"
    "traitsIcESaIcEEERKNSt10filesystem7__cxx114pathE");

Presence wrapped_belongs(pid_t pid, const std::string& container, const Path& proc) {
    return made(Adapter::Processes, [&] { return real_belongs(pid, container, proc); });
}

Result<process::Identity> real_identify(pid_t pid, const Path& proc) __asm__(
    "__real__ZN8podreeve7process8identifyEiRKNSt10filesystem7__cxx114pathE");
Result<process::Identity> wrapped_identify(pid_t pid, const Path& proc) __asm__(
    "__wrap__ZN8podreeve7process8identifyEiRKNSt10filesystem7__cxx114pathE");

Result<process::Identity> wrapped_identify(pid_t pid, const Path& proc) {
    return made(Adapter::Processes, [&] { return real_identify(pid, proc); });
}

Presence real_look_for(const process::Identity& process, const Path& proc) __asm__(
    "__real__ZN8podreeve7process8look_forERKNS0_8IdentityERKNSt10filesystem7__cxx114pathE");
Presence wrapped_look_for(const process::Identity& process, const Path& proc) __asm__(
    "__wrap__ZN8podreeve7process8look_forERKNS0_8IdentityERKNSt10filesystem7__cxx114pathE");

Presence wrapped_look_for(const process::Identity& process, const Path& proc) {
    return made(Adapter::Processes, [&] { return real_look_for(process, proc); });
}

Status real_connect(const SocketAddress& address, Duration within) __asm__(
    "__real__ZN8podreeve7observe17takes_connectionsERKNS_13SocketAddressENSt6chrono8durationIlSt5"
    "ratioILl1ELl1000000000EEEE");
Status wrapped_connect(const SocketAddress& address, Duration within) __asm__(
    "__wrap__ZN8podreeve7observe17takes_connectionsERKNS_13SocketAddressENSt6chrono8durationIlSt5"
    "ratioILl1ELl1000000000EEEE");

Status wrapped_connect(const SocketAddress& address, Duration within) {
    return made(Adapter::Surroundings, [&] { return real_connect(address, within); });
}

bool real_route() __asm__("__real__ZN8podreeve7observe17has_default_routeEv");
bool wrapped_route() __asm__("__wrap__ZN8podreeve7observe17has_default_routeEv");

bool wrapped_route() {
    return made(Adapter::Surroundings, [] { return real_route(); });
}

Result<pid_t> real_run(const process::Spawn* self, Words argv, Words environment) __asm__(
    "__real__ZNK8podreeve7process5Spawn3runESt6vectorINSt7__cxx1112basic_stringIcSt11char_"
    "traitsIcESaIcEEESaIS8_EESA_");
Result<pid_t> wrapped_run(const process::Spawn* self, Words argv, Words environment) __asm__(
    "__wrap__ZNK8podreeve7process5Spawn3runESt6vectorINSt7__cxx1112basic_stringIcSt11char_"
    "traitsIcESaIcEEESaIS8_EESA_");

Result<pid_t> wrapped_run(const process::Spawn* self, Words argv, Words environment) {
    return made(Adapter::Programs,
                [&] { return real_run(self, std::move(argv), std::move(environment)); });
}

}  // namespace podreeve::fakes
