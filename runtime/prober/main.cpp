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
#include "runtime/prober/asker.h"
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

enum class Heard { Orders, Nothing, End };

struct Packet {
    ssize_t size = 0;  // as recv() has it
    probe::Namespaces namespaces;
};

// Whatever descriptors come with it are taken, so that none stays open by mistake.
Packet receive(std::vector<char>& buffer) {
    iovec bytes{buffer.data(), buffer.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(2 * sizeof(int))> room{};
    msghdr message{};
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    message.msg_control = room.data();
    message.msg_controllen = room.size();
    Packet out;
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

Result<Heard> hear_orders(prober::Asker& asker, std::vector<char>& buffer) {
    Packet packet = receive(buffer);
    if (packet.size < 0 && (errno == EAGAIN || errno == EINTR)) {
        return Heard::Nothing;
    }
    if (packet.size <= 0) {
        return Heard::End;
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
        asker.take(order, std::move(packet.namespaces));
    }
    return Heard::Orders;
}

Status answer(const std::vector<probe::Answer>& answers) {
    for (const std::string& packet : probe::wire::write_answers(answers)) {
        if (::send(kControl, packet.data(), packet.size(), MSG_NOSIGNAL) < 0) {
            return errno_error("answer", errno);
        }
    }
    return {};
}

Status serve() {
    const SystemClock clock;
    ASSIGN_OR_RETURN(const auto asker, prober::Asker::create(clock));
    for (const std::string& missing : prober::shut_in()) {
        std::fprintf(stderr, "podreeve-probe: goes on less shut in than it could be: %s\n",
                     missing.c_str());
    }
    std::vector<char> buffer(probe::wire::kMaxPacket);
    std::vector<probe::Answer> gathered;
    SteadyTime gathered_since{};
    while (true) {
        const auto at_most = gathered.empty() ? std::chrono::milliseconds(-1) : kGather;
        ASSIGN_OR_RETURN(bool readable, asker->turn(kControl, at_most));
        while (readable) {
            ASSIGN_OR_RETURN(const Heard heard, hear_orders(*asker, buffer));
            if (heard == Heard::End) {
                return {};
            }
            readable = heard == Heard::Orders;
        }
        std::vector<probe::Answer> fresh = asker->answers();
        if (gathered.empty() && !fresh.empty()) {
            gathered_since = clock.steady_now();
        }
        std::move(fresh.begin(), fresh.end(), std::back_inserter(gathered));
        const bool time_is_up = clock.steady_now() - gathered_since >= kGather;
        if (!gathered.empty() && (time_is_up || asker->idle())) {
            RETURN_IF_ERROR(answer(gathered));
            gathered.clear();
        }
        if (asker->astray()) {
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
