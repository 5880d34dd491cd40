// podreeve-probe: asks containers over their networks on behalf of podreeved, which starts it with
// a socket as its stdin. It takes no arguments and ends when that socket does.
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <iterator>
#include <string>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/prober/asker.h"

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

Heard hear_orders(prober::Asker& asker, std::vector<char>& buffer) {
    const ssize_t size = ::recv(kControl, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
        return Heard::Nothing;
    }
    if (size <= 0) {
        return Heard::End;
    }
    const auto orders = probe::wire::read_orders({buffer.data(), static_cast<std::size_t>(size)});
    if (!orders) {
        return Heard::End;
    }
    for (const probe::wire::Order& order : *orders) {
        asker.take(order);
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
    std::vector<char> buffer(probe::wire::kMaxPacket);
    std::vector<probe::Answer> gathered;
    SteadyTime gathered_since{};
    while (true) {
        const auto at_most = gathered.empty() ? std::chrono::milliseconds(-1) : kGather;
        ASSIGN_OR_RETURN(bool readable, asker->turn(kControl, at_most));
        while (readable) {
            const Heard heard = hear_orders(*asker, buffer);
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
            return fail(Code::Denied, "cannot go on: podman has another user namespace now");
        }
    }
}

}  // namespace

int main() {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    if (const Status served = serve(); !served) {
        std::fprintf(stderr, "podreeve-probe: %s\n", served.error().message.c_str());
        return 1;
    }
    return 0;
}
