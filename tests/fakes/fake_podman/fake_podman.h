#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "runtime/base/clock.h"
#include "tests/fakes/fake_podman/model.h"

namespace podreeve::fakes {

class FakeProc;

// A small honest podman on a Unix socket in a directory of its own: containers, pods with their
// infra and service containers, images, volumes (their directories are real), networks, secrets,
// events, kube play, with podman's rules, words and mistakes of the version given. Nothing runs:
// processes are Programs, pids are larger than any real one, and host ports are only kept account
// of. Nothing takes time but what a test slows down. What the rules are worth is tests/contract's
// business, which runs the same tests against this and against a real podman.
//
// Any thread may call; hooks and predicates run on the connection's thread, without locks held.
class FakePodman {
  public:
    struct Options {
        std::string version = "5.4.2";  // tried: 4.3.1, 5.4.2, 5.8.6
        const Clock* clock = nullptr;   // the machine's own by default; must outlive this
        std::string directory;          // a new one under /tmp by default, removed at the end
    };

    explicit FakePodman(Options options);
    FakePodman();
    ~FakePodman();
    FakePodman(const FakePodman&) = delete;
    FakePodman& operator=(const FakePodman&) = delete;

    const std::string& socket_path() const;
    const std::string& directory() const;
    // podman is another one from the next request on, as after an upgrade.
    void set_version(const std::string& version);

    // -- the host. localhost/busybox:latest is there from the start.
    std::string add_image(const std::string& name, Image image = {});  // id
    void remove_image(const std::string& name);
    // What a pull of that reference finds, or is told.
    std::string add_to_registry(const std::string& reference,
                                Image image = {},
                                std::vector<std::string> progress = {});
    void fail_pulls_of(const std::string& reference, const std::string& error);
    // What containers do whose image, name or command line has `where` in it; the last rule that
    // fits wins. It counts from the next start of a container, and for how a running one takes a
    // stop.
    void set_program(const std::string& where, Program program);
    // Some other process of the host holds the port, or gives it back.
    void occupy_port(int port, bool taken = true);

    // All objects and the volumes' files as they are now, for put_back(): so one beginning serves
    // many runs. Nobody may be connected at either.
    struct Kept;
    std::shared_ptr<const Kept> keep();
    void put_back(const Kept& kept);

    // -- behind the agent's back: as kill -9, `podman rm -f`, `podman stop` and `podman start` on
    // the host. False when there is no container (for remove, start and stop: or pod) of that name
    // or id.
    bool kill_process(const std::string& name, int exit_code = 137);
    // Process and conmon are both killed: podman says `running` for ever, and only the pid tells.
    bool kill_with_conmon(const std::string& name);
    // The processes of all that runs, and their conmons, are seen there from now on.
    void show_processes_in(FakeProc& proc);
    bool remove_behind_back(const std::string& name);
    bool stop_behind_back(const std::string& name);
    bool start_behind_back(const std::string& name);
    // A container nobody's agent made. Its id.
    std::string create_behind_back(const nlohmann::json& spec, bool start = true);
    // These labels and no others, as if another release had made it. False when there is no such
    // thing. kind: "container", "pod", "volume" or "secret".
    bool relabel_behind_back(const std::string& kind,
                             const std::string& name,
                             const std::map<std::string, std::string>& labels);
    // A state that podman got stuck in: "stopping", "removing", "created", …
    bool wedge(const std::string& name, const std::string& state);
    // A reboot: no process is left, containers are `exited`, in podman's words, or `created`.
    void reboot();
    void append_log(const std::string& name, int stream, const std::string& text);

    // -- looking
    std::string state_of(
        const std::string& name) const;  // a container's state, a pod's status; "" absent
    std::string id_of(const std::string& name) const;

    // The processes of what runs, as far as podman knows.
    struct Running {
        std::string id;
        std::int64_t pid = 0, conmon_pid = 0;
        bool gone = false;  // killed together with its conmon
    };

    std::vector<Running> running() const;
    std::vector<std::string> container_names() const;  // in order of creation, infra containers too
    std::vector<std::string> pod_names() const;
    nlohmann::json inspect(
        const std::string& name) const;  // the create's body of a container or pod
    std::vector<EventRecord> events() const;

    // -- trouble. A rule is for requests whose method is `method` ("" any) and whose path with
    // query holds a match of the regular expression. Rules are used up in the order they were
    // given.
    void fail_next(const std::string& method,
                   const std::string& path,
                   int status,
                   const std::string& message,
                   unsigned times = 1);
    // The reply is this, to the letter, and nothing is done.
    void answer_next(const std::string& method,
                     const std::string& path,
                     int status,
                     const std::string& body,
                     unsigned times = 1);

    // Nothing is done and nothing answered until release_hung(), the client's end, or ours.
    void hang_next(const std::string& method, const std::string& path, unsigned times = 1);
    void release_hung();
    std::size_t hung() const;
    enum class Cut {
        BeforeWork,     // nothing is done, the connection closes
        BeforeReply,    // it is done, the connection closes without a byte
        MiddleOfReply,  // it is done, half of the body comes; of a stream, its first 200 bytes
    };
    void drop_next(const std::string& method,
                   const std::string& path,
                   Cut where = Cut::MiddleOfReply,
                   unsigned times = 1);
    // Every such request takes so long, in the machine's time, until set to zero.
    void slow(const std::string& method, const std::string& path, Duration duration);
    // Nobody listens: connections are cut and refused. Then again as before.
    void refuse(bool on);
    // As when podman exits after its idle time and systemd starts another for the next request.
    void cut_connections();
    // What podman does in its own time after a reply (stop and removal of service containers) waits
    // for so many requests more, to show that a client polls for it.
    void lag_service_work(unsigned requests);

    // -- the journal
    struct Entry {
        std::string method, path, body;  // path with query, without the version
        int status = 0;                  // 0: not answered
    };

    std::vector<Entry> journal() const;
    // The requests that change something, "POST containers/create", in order.
    std::vector<std::string> mutations() const;
    void clear_journal();
    // Called before a request is looked at (entry.status is 0 then), and once it is carried out,
    // before the client has the reply; of a stream after its end.
    using Hook = std::function<void(const Entry&)>;
    void on_request(Hook before, Hook after);
    // Waits until the journal satisfies the predicate; false when it does not within the time.
    bool wait_until(const std::function<bool(const std::vector<Entry>&)>& predicate,
                    Duration patience = std::chrono::seconds(60)) const;

  private:
    struct Server;
    std::unique_ptr<Server> server_;
};

}  // namespace podreeve::fakes
