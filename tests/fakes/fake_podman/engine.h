#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "tests/fakes/fake_podman/model.h"
#include "tests/fakes/fake_proc.h"

namespace podreeve::fakes {

// What podman itself does, without HTTP: its objects and the rules of their lives, after libpod of
// the version given. Nothing here locks: whoever calls holds `mutex`, which also guards every
// field. Restart policies and health checks are not modelled, since podreeve asks podman for
// none of them.
struct Engine {
    Engine(const Clock& clock, std::string directory, podman::Version version);

    std::mutex mutex;
    std::condition_variable
        changed;  // something happened: an event, a log line, a fault lifted, the end
    bool stopping = false;

    const Clock& clock;
    std::string directory;
    podman::Version version;

    std::map<std::string, Container> containers;  // by id
    std::map<std::string, Pod> pods;              // by id
    std::vector<Image> images;
    std::map<std::string, Volume> volumes;    // by name
    std::map<std::string, Network> networks;  // by name
    std::map<std::string, Secret> secrets;    // by name
    std::vector<EventRecord> events;
    std::map<std::string, ExecSession> exec_sessions;  // by id

    struct Pull {
        Image image;
        std::string error;  // the registry's refusal, if any
        std::vector<std::string> progress;
    };

    std::map<std::string, Pull> registry;  // by reference

    struct ProgramRule {
        std::string
            where;  // part of the image's name, of the container's name or of the command line
        Program program;
    };

    std::vector<ProgramRule> programs;  // the last that fits wins
    std::set<int> foreign_ports;        // held by some other process of the host

    // What libpod leaves to its work queue: run after the reply, before the next request but for
    // `work_lag` requests more.
    std::deque<std::function<void()>> work;
    unsigned work_lag = 0, work_waited = 0;
    void run_work(bool before_request);

    // All that podman holds, without the files in volumes; put back, what is numbered later gets
    // the numbers it got before.
    struct Objects {
        std::map<std::string, Container> containers;
        std::map<std::string, Pod> pods;
        std::vector<Image> images;
        std::map<std::string, Volume> volumes;
        std::map<std::string, Network> networks;
        std::map<std::string, Secret> secrets;
        std::vector<EventRecord> events;
        std::map<std::string, ExecSession> exec_sessions;
        std::uint64_t sequence = 0;
        std::int64_t next_pid = 0;
    };

    Objects objects() const;
    void put_back(const Objects& objects);

    // -- looking up. Ambiguity and absence come as podman's own errors.
    Container* container(const std::string& who, Answer* why = nullptr);
    Pod* pod(const std::string& who, Answer* why = nullptr);
    Image* image(const std::string& name);
    std::vector<Container*> listed();                 // in order of creation
    std::vector<Container*> members(const Pod& pod);  // in order of creation, infra first
    std::string pod_status(const Pod& pod);

    // -- lives
    Answer create_container(json spec);
    Answer init_container(Container& container);   // starts the infra container before it
    Answer start_container(Container& container);  // starts the infra container before it
    Answer pause_container(Container& container, bool pause);
    Answer stop_container(Container& container, std::optional<unsigned> grace);
    Answer kill_container(Container& container, const std::string& signal);
    Answer rename_container(Container& container, const std::string& name);
    Answer remove_container(const std::string& who, bool force, bool depend, bool volumes);
    // The process is gone: what conmon and `podman container cleanup` then do.
    void exited(Container& container, int exit_code);
    void drop_container(const std::string& id);

    Answer create_pod(json spec);
    Answer start_pod(Pod& pod, const std::string& asked);
    Answer stop_pod(Pod& pod, const std::string& asked, unsigned grace);
    Answer remove_pod(const std::string& who, bool force);
    void stop_members(Pod& pod, std::optional<unsigned> grace);

    Answer make_service_container(const std::string& yaml);
    Volume& make_volume(const std::string& name);

    void emit(EventRecord event);
    void emit(const Container& container, const std::string& action);
    void emit(const Pod& pod, const std::string& action);
    std::string new_id(const std::string& kind, std::size_t length = 64);
    Image& pause_image();
    Program program_for(const Container& container) const;
    // Of a command that is run in a container.
    Program program_for_exec(const std::vector<std::string>& command) const;

    std::int64_t new_pid() { return next_pid_++; }

    // In proc, where there is one: a process that runs with its conmon, or neither any more.
    void show(const Container& container);
    void hide(const Container& container);
    FakeProc* proc = nullptr;

  private:
    std::string run(Container& container);  // empty, or why it does not run
    std::string run_infra_of(const Container& container);
    void make_ready(Container& container);
    std::string port_clash(const Container& container);
    std::string run_init_containers(Pod& pod);
    void revive_service(const Pod& pod);
    void add_dependents(std::vector<std::string>& errors, const Pod& pod);
    void queue_service_stop(const Pod& pod);
    // A member ran out or did not start: under the policy `stop` the pod may have to end with it.
    void queue_exit_policy(const Container& over);
    void queue_service_removal(const Pod& pod);
    Answer complete_spec(json& spec, Container& container);
    Answer stop_zombie(Container& container);
    std::vector<std::string> dependents_of(const Container& container);

    std::uint64_t sequence_ = 0;
    std::int64_t next_pid_;
};

std::vector<std::string> strings(const json& object, const char* key);
// The command line that runs: entrypoint, then command.
std::vector<std::string> command_line(const json& spec);

}  // namespace podreeve::fakes
