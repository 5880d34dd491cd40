#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/base/unique_fd.h"
#include "runtime/probe/namespaces.h"
#include "runtime/probe/wire.h"
#include "runtime/prober/conversation.h"

namespace podreeve::prober {

// Asks any number of questions at once, from one thread and one epoll instance: no thread and no
// process a question. What is known of a question (its network, which address answered) is kept
// from one asking to the next.
//
// What one question throws is its own answer, Unknown, and costs no other.
//
// What it keeps is asked in rounds: those of one network at the same time, since to go from one
// network to the next costs more than a socket, and the networks one after the other over their
// period, in slots of 100 ms. Who is asked has a moment to answer before it is looked at, so that
// one wake-up hears them all.
class Prober {
  public:
    static Result<std::unique_ptr<Prober>> create(const Clock& clock);
    ~Prober();

    // namespaces: those that came with a Learn.
    void take(const probe::wire::Order& order, probe::Namespaces namespaces = {});
    // Goes on with what came, and gives up what is out of time. Waits for something to happen, but
    // not longer than the given time; also says when `control` can be read. Returns whether it can.
    // Also begins what it keeps and is due.
    Result<bool> turn(int control, std::chrono::milliseconds at_most);
    // The answers since the last call.
    std::vector<probe::ProbeResult> results();

    bool is_disoriented() const { return networks_.is_disoriented(); }

    // Nothing is being asked.
    bool idle() const { return running_.empty() && waiting_.empty(); }

  private:
    struct Running {
        std::unique_ptr<Conversation> conversation;
        SteadyTime deadline{};
        unsigned socket = 0;       // as it is registered
        std::uint32_t events = 0;  // for which
        bool in_line = false;      // in fresh_
    };

    explicit Prober(const Clock& clock) : clock_(clock) {}

    // Asked again and again without an order.
    struct Kept {
        Duration period{};
        SteadyTime next{};
    };

    void learn(const probe::wire::Learn& order, probe::Namespaces namespaces);
    void forget(std::uint32_t probe);
    void ask(std::vector<std::uint32_t> probes);
    void keep(const probe::wire::Keep& order);
    void keep_no_longer(std::uint32_t probe);
    void begin_rounds();
    std::uint64_t network_of(std::uint32_t probe) const;
    void enqueue(std::vector<std::uint32_t> probes);
    void begin_waiting();
    template <class Act>
    void contain(std::uint32_t probe, Act act);
    void begin(std::uint32_t probe);
    void begin_it(std::uint32_t probe, Subject& subject);
    void go_on(std::uint32_t probe);
    void wait_for(std::uint32_t probe, Running& running);
    void line_up(std::uint32_t probe, Running& running);
    void finish(std::uint32_t probe, DialogueResult result);
    void give_up_overdue();
    int milliseconds_left(std::chrono::milliseconds at_most) const;

    const Clock& clock_;
    UniqueFd epoll_;
    int control_ = -1;  // as it is registered
    Networks networks_;
    std::unique_ptr<TlsContext> tls_;
    std::map<std::uint32_t, Subject> subjects_;
    std::unordered_map<std::uint32_t, Running> running_;
    std::set<std::pair<SteadyTime, std::uint32_t>> deadlines_;
    std::unordered_map<std::uint32_t, Kept> kept_;
    std::set<std::pair<SteadyTime, std::uint32_t>> rounds_;  // when to begin which of them
    // Begun, and not waited for yet, since most have answered soon; or cut short.
    std::vector<std::uint32_t> fresh_;
    std::deque<std::uint32_t> waiting_;  // for a free place
    std::vector<probe::ProbeResult> results_;
};

}  // namespace podreeve::prober
