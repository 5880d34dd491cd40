#pragma once

#include <string>
#include <vector>

#include "agent/handlers/task.h"

namespace podreeve::handlers {

// What the manifest asks for in these running containers (podman's names) before they are told to
// end. A sleep is a Retry, so that it holds no worker. The time it takes comes out of grace, of
// which two seconds are left in any case, as the kubelet does it. A command that fails is logged
// and stops nothing.
HandlerResult pre_stop(Task& task, const std::vector<std::string>& names, unsigned& grace);

}  // namespace podreeve::handlers
