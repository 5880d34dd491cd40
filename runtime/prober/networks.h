#pragma once

#include <functional>
#include <map>
#include <memory>
#include <sys/types.h>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace podreeve::prober {

class HostThread;

// A network that was found by one of its processes; the containers of a pod share one.
struct Network {
    ino_t id = 0;     // of the namespace
    UniqueFd handle;  // empty: the host's
};

// Goes into the networks of containers. A socket stays in the network it was made in, wherever its
// thread goes afterwards, so it is enough to be there for that one call.
//
// Rootless podman's networks belong to a user namespace of podman's, and only a process in there
// may enter them. Podman makes one a user and keeps it: the pause process or any container holds it
// open. So the first network that asks for it makes this process enter it, once, for good, which
// the kernel allows to a process of one thread only. From inside there is no way back to the host's
// network: before this thread leaves it, a second one is started that stays there and makes the
// sockets for containers on the host's network.
//
// Containers with a user namespace of their own (keep-id, auto) are within reach, since theirs lie
// inside podman's. Those of another user are not, nor those of a second podman namespace of the
// same user (after its pause process was killed with nothing running): entering fails then, and
// a new process is needed. All of it belongs to one thread.
class Networks {
  public:
    Networks();
    ~Networks();

    // NotFound: that process is gone; Denied: it belongs to somebody else.
    Result<std::shared_ptr<const Network>> find(pid_t pid);
    // Runs act, which must be quick, on a thread that is in that network.
    Status visit(const Network& network, const std::function<void()>& act);

  private:
    Status enter_user_namespace_of(pid_t pid);
    Status leave_host();

    ino_t host_ = 0;     // its network
    ino_t current_ = 0;  // where this thread is
    bool is_root_ = false;
    bool entered_ = false;
    std::map<ino_t, std::weak_ptr<const Network>> known_;
    std::unique_ptr<HostThread> host_thread_;
};

}  // namespace podreeve::prober
