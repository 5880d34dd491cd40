#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/probe/probe_spec.h"
#include "runtime/probe/wire.h"

namespace podreeve::probe {

// Has questions asked by podreeve-probe, the small program that enters the containers' networks.
// It is started with the first question to ask; when it ends or hangs, what was under way is
// answered Unknown and it is started anew with the next question, after a pause that grows from 1 s
// to 30 s. A question over which it hangs or crashes twice in a row is asked no more, and one that
// is too long to be handed over never: each is answered Unknown, alone. What throws on the way
// costs the prober, as if it had ended, and nothing more. A question's network is that of its pid,
// which is opened here and handed over: a process that took the number of one that died a moment
// ago could be asked in its place, so forget questions of containers that ended.
//
// All of it belongs to the scheduler's thread, on which answers arrive too.
class ProberClient {
  public:
    using OnResults = std::function<void(const std::vector<ProbeResult>&)>;

    ProberClient(std::filesystem::path program,
                 const Clock& clock,
                 Scheduler& scheduler,
                 OnResults on_results);
    ~ProberClient();
    ProberClient(const ProberClient&) = delete;
    ProberClient& operator=(const ProberClient&) = delete;

    // A number that is never given again.
    std::uint32_t add(ProbeSpec probe);
    // No answer comes after that.
    void remove(std::uint32_t probe);
    // Each gets one answer, later; one that is being asked already is not asked twice.
    void ask(const std::vector<std::uint32_t>& probes);
    // Leaves the asking to the prober, which tells one answer: the first that is no Success. Until
    // then nobody here is woken for it. Ends with that answer, or with ask().
    void keep(const std::vector<wire::Keep>& probes);

    pid_t prober() const;  // 0: none runs

  private:
    struct Core;
    std::shared_ptr<Core> core_;
};

}  // namespace podreeve::probe
