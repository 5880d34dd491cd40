#pragma once

#include <functional>
#include <memory>
#include <string>

#include "runtime/base/clock.h"

namespace podreeve {

// File systems that do not answer (NFS, FUSE, a dying disk) hold the thread that asks them, and
// nothing can call it back. Here such a question is asked on a thread beside, and who asked goes on
// without an answer after the limit. Any thread may call.
class Patience {
  public:
    // Zero: there is no limit, and all is asked on the caller's own thread.
    // again: when a subject that hangs is asked about next.
    explicit Patience(Duration limit, Duration again = std::chrono::seconds(10));
    ~Patience();
    Patience(const Patience&) = delete;
    Patience& operator=(const Patience&) = delete;

    // True: job ran to its end. False: it did not within the limit and may still run, for ever, so
    // it has to own all that it touches. What else is asked about that subject is refused at once,
    // until it has ended or it is time to ask again: another file system may be mounted there by
    // now. What job throws is thrown here.
    bool run(const std::string& subject, std::function<void()> job);

  private:
    struct Core;
    std::shared_ptr<Core> core_;
};

}  // namespace podreeve
