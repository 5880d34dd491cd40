#pragma once

#include <functional>
#include <map>
#include <memory>
#include <sys/types.h>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "runtime/probe/namespaces.h"

namespace podreeve::prober {

class HostThread;

// A network that was found by one of its processes; the containers of a pod share one.
struct Network {
    ino_t id = 0;     // of the namespace
    UniqueFd handle;  // empty: the host's
    // Sockets made there that were used and can be used again, by family.
    mutable std::map<int, std::vector<UniqueFd>> spare = {};
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
// same user, as it is made after the first one's pause process has died (podman system migrate):
// then its processes are another user's to us, and entering fails; when nothing else can be entered
// either, only a new process can help. Nor can one enter that has a second thread already. All of
// it belongs to one thread.
//
// Inside, and for root from the first, nothing but CAP_SYS_ADMIN is left, which is what it takes to
// enter a network.
class Networks {
  public:
    Networks();
    ~Networks();

    // What these are; the network has to be there.
    Result<std::shared_ptr<const Network>> find(probe::Namespaces of);
    // A TCP socket of that network. Those that are used again and again cost neither a socket() nor
    // a visit.
    Result<UniqueFd> take_socket(const Network& network, int family);
    // Its connection, if it has one, is reset: nobody waits for its last packets, and sockets that
    // linger for a minute after each asking would be thousands.
    static void give_back(const Network& network, int family, UniqueFd socket);
    // Runs act, which must be quick, on a thread that is in that network.
    Status visit(const Network& network, const std::function<void()>& act);

    // Every network of late was refused: podman has another user namespace by now, or the one it
    // has can never be entered. Only a new process can help.
    bool is_disoriented() const { return shut_out_ || refusals_ >= kManyRefusals; }

  private:
    static constexpr std::size_t kMostSpare = 32;
    static constexpr int kManyRefusals = 3;

    UniqueFd child_of_ours(UniqueFd user) const;
    Status enter_user_namespace(UniqueFd user);
    Status leave_host();
    Error refused();

    ino_t host_ = 0;     // its network
    ino_t user_ = 0;     // the user namespace this process began in
    ino_t current_ = 0;  // where this thread is
    bool is_root_ = false;
    bool entered_ = false;
    bool shut_out_ = false;
    int refusals_ = 0;  // since one was entered
    std::map<ino_t, std::weak_ptr<const Network>> known_;
    std::unique_ptr<HostThread> host_thread_;
};

}  // namespace podreeve::prober
