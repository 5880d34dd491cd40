#pragma once

#include <map>
#include <string>

#include "agent/observe/companions.h"

namespace podreeve::observe {

// systemd forgets at a reload how a unit that is not in use has ended. A job that ended well, and
// is not to stay active, would look as if it had never run, and be run again at each reload. Kept
// in memory: a job runs again after a boot, and can after a restart of the agent.
class EndedJobs {
  public:
    // Puts into what was seen how jobs have ended of which systemd knows nothing any more.
    void recall(Companions& seen);

  private:
    std::map<std::string, systemd::UnitState> known_;  // by service
};

}  // namespace podreeve::observe
