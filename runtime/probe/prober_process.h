#pragma once

#include <filesystem>
#include <functional>
#include <string_view>
#include <sys/types.h>
#include <thread>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "runtime/probe/namespaces.h"

namespace podreeve::probe {

// One running podreeve-probe. A thread reads what it says; it is killed and reaped by that thread
// when the connection ends, and connection and thread end when this goes.
class ProberProcess {
  public:
    struct Listener {
        // On the reading thread; false: there is no room for more, and the prober is killed.
        std::function<bool(std::string_view packet)> on_packet;
        std::function<void(bool crashed)> on_end;  // there too, once, as the last
    };

    // Belongs to the thread that calls: the program dies with it (PR_SET_PDEATHSIG), too.
    static Result<std::unique_ptr<ProberProcess>> start(const std::filesystem::path& program,
                                                        Listener listener);
    ~ProberProcess();
    ProberProcess(const ProberProcess&) = delete;
    ProberProcess& operator=(const ProberProcess&) = delete;

    // Never waits: Timeout when there is no room for more, Unavailable when it has ended. A packet
    // of more than wire::kMaxPacket bytes is cut by the other end. The namespaces that are there
    // are handed over with it.
    Status send(std::string_view packet, const Namespaces& with = {});

    pid_t pid() const { return pid_; }

  private:
    ProberProcess(pid_t pid, UniqueFd socket, Listener listener);

    pid_t pid_;
    UniqueFd socket_;
    std::jthread reader_;
};

}  // namespace podreeve::probe
