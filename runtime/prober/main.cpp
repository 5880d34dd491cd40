// podreeve-probe: asks containers over their networks on behalf of podreeved, which starts it with
// a socket as its stdin. It takes no arguments and ends when that socket does. It sees no files, no
// other processes and few system calls (sandbox.h); the networks to enter come over the socket.
#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <string>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <utility>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/base/contained.h"
#include "runtime/prober/prober.h"
#include "runtime/prober/sandbox.h"

#if defined(__SANITIZE_ADDRESS__)
#define PODREEVE_LEAKS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PODREEVE_LEAKS 1
#endif
#endif
#ifdef PODREEVE_LEAKS
// The search for leaks traces its own process, which nobody may any more.
extern "C" const char* __lsan_default_options() {  // NOLINT: its name
    return "detect_leaks=0";
}
#endif

namespace {

using namespace podreeve;

constexpr int kControl = 0;

// So long an answer may wait for others, while more are to come: each packet wakes the agent.
constexpr std::chrono::milliseconds kGather{20};

// A socket a question, and a descriptor a network.
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
}

enum class ReadOutcome { Orders, Nothing, End };

struct IncomingPacket {
    ssize_t size = 0;  // as recv() has it
    probe::Namespaces namespaces;
};

// Whatever descriptors come with it are taken, so that none stays open by mistake.
IncomingPacket receive(std::vector<char>& buffer) {
    iovec bytes{buffer.data(), buffer.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(2 * sizeof(int))> room{};
    msghdr message{};
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    message.msg_control = room.data();
    message.msg_controllen = room.size();
    IncomingPacket out;
    out.size = ::recvmsg(kControl, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    const cmsghdr* head = out.size > 0 ? CMSG_FIRSTHDR(&message) : nullptr;
    if (head == nullptr || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) {
        return out;
    }
    int came[2] = {-1, -1};
    std::memcpy(came, CMSG_DATA(head),
                std::min(sizeof(came), static_cast<std::size_t>(head->cmsg_len) - CMSG_LEN(0)));
    out.namespaces.network.reset(came[0]);
    out.namespaces.user.reset(came[1]);
    return out;
}

Result<ReadOutcome> hear_orders(prober::Prober& prober, std::vector<char>& buffer) {
    IncomingPacket packet = receive(buffer);
    if (packet.size < 0 && (errno == EAGAIN || errno == EINTR)) {
        return ReadOutcome::Nothing;
    }
    if (packet.size <= 0) {
        return ReadOutcome::End;
    }
    const auto orders =
        probe::wire::read_orders({buffer.data(), static_cast<std::size_t>(packet.size)});
    if (!orders) {
        if (orders.error().code == Code::Unsupported) {
            ::send(kControl, &probe::wire::kFirstByte, 1, MSG_NOSIGNAL);  // so that it can say so
        }
        return orders.error();
    }
    for (const probe::wire::Order& order : *orders) {
        prober.take(order, std::move(packet.namespaces));
    }
    return ReadOutcome::Orders;
}

Status result(const std::vector<probe::ProbeResult>& results) {
    for (const std::string& packet : probe::wire::write_results(results)) {
        if (::send(kControl, packet.data(), packet.size(), MSG_NOSIGNAL) < 0) {
            return errno_error("answer", errno);
        }
    }
    return {};
}

Status serve() {
    const SystemClock clock;
    ASSIGN_OR_RETURN(const auto prober, prober::Prober::create(clock));
    for (const std::string& missing : prober::shut_in()) {
        std::fprintf(stderr, "podreeve-probe: goes on less shut in than it could be: %s\n",
                     missing.c_str());
    }
    std::vector<char> buffer(probe::wire::kMaxPacket);
    std::vector<probe::ProbeResult> gathered;
    SteadyTime gathered_since{};
    while (true) {
        const auto at_most = gathered.empty() ? std::chrono::milliseconds(-1) : kGather;
        ASSIGN_OR_RETURN(bool readable, prober->turn(kControl, at_most));
        while (readable) {
            ASSIGN_OR_RETURN(const ReadOutcome heard, hear_orders(*prober, buffer));
            if (heard == ReadOutcome::End) {
                return {};
            }
            readable = heard == ReadOutcome::Orders;
        }
        std::vector<probe::ProbeResult> fresh = prober->results();
        if (gathered.empty() && !fresh.empty()) {
            gathered_since = clock.steady_now();
        }
        std::move(fresh.begin(), fresh.end(), std::back_inserter(gathered));
        const bool time_is_up = clock.steady_now() - gathered_since >= kGather;
        if (!gathered.empty() && (time_is_up || prober->idle())) {
            RETURN_IF_ERROR(result(gathered));
            gathered.clear();
        }
        if (prober->is_disoriented()) {
            return fail(Code::Denied,
                        "cannot go on: podman's user namespace is out of this process's reach");
        }
    }
}

}  // namespace

int main() {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    Status served;
    // Of what it was told some is lost then. The agent starts another one, and tells that all.
    if (const auto thrown = contained([&] { served = serve(); })) {
        std::fprintf(stderr, "podreeve-probe: internal error: %s\n", thrown->c_str());
        return 1;
    }
    if (!served) {
        std::fprintf(stderr, "podreeve-probe: %s\n", served.error().message.c_str());
        return 1;
    }
    return 0;
}
