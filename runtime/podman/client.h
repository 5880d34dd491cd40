#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <unistd.h>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/http/client.h"
#include "runtime/podman/types.h"

namespace podreeve::podman {

// How long a call may take and what ends it early. Every call has both.
struct CallOptions {
    Duration timeout = std::chrono::seconds(30);
    std::stop_token stop;
};

// What a call that asks for a state found: it did something, or nothing was to be done (304).
enum class Effect { Changed, AlreadySo };

struct RemoveOptions {
    bool force = false;
    bool depend = false;                      // with the pods that a service container serves
    bool volumes = false;                     // anonymous ones
    std::optional<unsigned> timeout_seconds;  // grace before SIGKILL, with force
};

// Podman over its REST socket: typed, dumb, no retries, no policy. Any thread may call. Errors:
// Unavailable (no socket, refused, cut off), Timeout, Cancelled, NotFound, Conflict (name in use,
// not running), InvalidArgument, Internal (podman's 500; its own words are in the message). Each
// trap named here has a test in tests/contract.
class Client {
  public:
    // What is sent holds secrets: only a podman of that user, or of root, gets any.
    explicit Client(std::string socket_path, uid_t owner = ::geteuid());
    ~Client();

    // Asks _ping once and remembers the answer; called by the others when need be. After a lost
    // connection it is asked again, since podman may have been upgraded meanwhile.
    Result<Version> version(const CallOptions& call);

    // -- containers; `who` is a full id or an exact name
    Result<std::vector<ContainerSummary>> list_containers(
        const CallOptions&);  // all of them, one request
    // NotFound is only what podman says of an absent container: its 404 for an ambiguous prefix is
    // not.
    Result<ContainerDetails> inspect_container(const std::string& who, const CallOptions&);
    Result<std::string> create_container(const ContainerCreate&,
                                         const CallOptions&);  // id; Conflict: name in use
    // Makes what it runs in, its mounts among it, and its process, which waits to be started; of a
    // pod's member also starts the infra container. One that is ready so is Ok.
    Status init_container(const std::string& who, const CallOptions&);
    Result<Effect> start_container(const std::string& who, const CallOptions&);
    // Always sends the timeout: an absent one means 0 to some versions. The call's own deadline
    // must be longer. A paused one is Conflict: podman does not stop it.
    Result<Effect> stop_container(const std::string& who,
                                  unsigned grace_seconds,
                                  const CallOptions&);
    Status kill_container(const std::string& who, const std::string& signal, const CallOptions&);
    // One that is not paused is Ok.
    Status unpause_container(const std::string& who, const CallOptions&);
    // Absent is Ok. A failure that podman reports inside a 200 is an error.
    Status remove_container(const std::string& who, const RemoveOptions&, const CallOptions&);
    // The id of what a podman that died while it made a container of that name left in its storage:
    // it holds the name, and remove_container takes the id; nullopt: none. Not what Buildah made.
    Result<std::optional<std::string>> stray_storage(const std::string& name, const CallOptions&);
    Status rename_container(const std::string& who, const std::string& name, const CallOptions&);
    // Waits for exited/stopped and gives the exit code, confirmed by an inspect since podman
    // answers 0 or -1 to waits that failed.
    Result<int> wait_container(const std::string& who, const CallOptions&);
    // Calls on_line(stream 1|2, text without the newline) until it says false or the log ends.
    Status container_logs(const std::string& who,
                          unsigned tail,
                          bool follow,
                          const std::function<bool(int, std::string_view)>& on_line,
                          const CallOptions&);

    // -- commands in running containers: run_command (command.h) puts these together. Podman keeps
    // a session and its conmon for five minutes after the command, if nobody removes the session.
    // A session's id. Conflict: the container does not run.
    Result<std::string> create_exec(const std::string& who,
                                    const std::vector<std::string>& command,
                                    const CallOptions&);
    // Runs it and gives its output, as container_logs does. Ok when it has ended, however that was:
    // inspect_exec tells. Timeout leaves it running.
    Status start_exec(const std::string& session,
                      const std::function<void(int, std::string_view)>& on_line,
                      const CallOptions&);
    Result<ExecSession> inspect_exec(const std::string& session, const CallOptions&);
    // Ends the command too, if it runs. False: this podman (before 5.0) cannot; absent is fine.
    Result<bool> remove_exec(const std::string& session, const CallOptions&);

    // -- pods
    Result<std::vector<PodSummary>> list_pods(const CallOptions&);
    Result<PodSummary> inspect_pod(const std::string& who, const CallOptions&);
    Result<std::string> create_pod(const PodCreate&,
                                   const CallOptions&);  // id; Conflict: name in use
    // 409 with per-container errors: Internal, or Conflict for a taken port; each error named.
    Result<Effect> start_pod(const std::string& who, const CallOptions&);
    // Stops the members side by side, then the infra container, each by itself and unpaused before:
    // podman's own
    // pods/stop stops nothing of a pod that is not exactly Running, and the check of the service
    // container that it leaves behind deadlocks podman 5 for good when a pod of the same service
    // container is started meanwhile. So podman does not stop the service container after the last
    // pod either: that is the caller's to do, with stop_container.
    Result<Effect> stop_pod(const std::string& who, unsigned grace_seconds, const CallOptions&);
    Status remove_pod(const std::string& who, bool force, const CallOptions&);  // absent is Ok

    // -- images
    Result<bool> image_exists(const std::string& name, const CallOptions&);
    Result<ImageDetails> inspect_image(const std::string& name, const CallOptions&);
    // Returns the id. An error inside the 200 stream is an error: NotFound when the registry has no
    // such image, Denied, else Unavailable. on_progress gets podman's own
    // lines.
    Result<std::string> pull_image(const std::string& reference,
                                   bool tls_verify,
                                   const std::function<void(const std::string&)>& on_progress,
                                   const CallOptions&);

    // -- volumes, networks, secrets
    Result<std::vector<VolumeDetails>> list_volumes(const CallOptions&);
    Result<VolumeDetails> inspect_volume(const std::string& name, const CallOptions&);
    Status create_volume(const VolumeDetails&, const CallOptions&);  // Conflict when it exists
    // Removes the volumes that carry this label and that no container uses; gives their names. This
    // is the one exact way: podman takes the name in a DELETE for the beginning of one when no
    // volume has just that name, so that what went away a moment ago costs another volume its data.
    // Trap: podman 4 takes several labels for alternatives.
    Result<std::vector<std::string>> remove_volumes_with(const std::string& label,
                                                         const std::string& value,
                                                         const CallOptions&);
    // For one without labels: whoever calls has seen that no other name begins with this one.
    // Absent is Ok, one in use Conflict.
    Status remove_volume(const std::string& name, const CallOptions&);
    Result<std::vector<NetworkDetails>> list_networks(const CallOptions&);
    Status create_network(const NetworkDetails&, const CallOptions&);  // existing is Ok
    Status remove_network(const std::string& name, const CallOptions&);
    Result<std::vector<SecretDetails>> list_secrets(const CallOptions&);
    Status create_secret(const SecretDetails&,
                         const std::string& data,
                         const CallOptions&);  // Conflict when it exists
    Status remove_secret(const std::string& name, const CallOptions&);

    // -- kube, events, host
    // With service_container the report always names it, also where podman leaves it out
    // (before 5.5, when no container was started).
    Result<PlayReport> kube_play(const std::string& yaml,
                                 bool service_container,
                                 bool start,
                                 const CallOptions&);
    Status kube_down(const std::string& yaml, bool force, const CallOptions&);
    // Blocks, giving each event since the given time (nanoseconds; 0: from now on), until on_event
    // says false, stop is asked for, or the stream breaks (Unavailable). timeout is not used.
    Status events(std::int64_t since_nano,
                  const std::function<bool(const PodmanEvent&)>& on_event,
                  const CallOptions&);
    // The same, from so long ago by podman's own clock, which may have been set since: whole
    // milliseconds; zero: from now on.
    Status events_of_last(Duration past,
                          const std::function<bool(const PodmanEvent&)>& on_event,
                          const CallOptions&);
    Result<Info> info(const CallOptions&);
    // Whether this podman can hold the link between pods and service container over REST (4.5 and
    // later).
    Result<bool> holds_service_containers(const CallOptions&);

  private:
    struct Wire;
    std::unique_ptr<Wire> wire_;
};

}  // namespace podreeve::podman
