#pragma once

#include "runtime/base/result.h"

namespace podreeve::prober {

// For the whole process, before all else: nothing it runs can gain rights, nobody of the same user
// may look into its memory, and no core is dumped, which could hold the values of headers.
Status give_up_gaining_rights();

// All but CAP_SYS_ADMIN, which entering a network takes: where this process has them, which a
// user's does not have before it is in podman's user namespace. Of this thread and those it starts.
Status keep_capability_to_enter();

// That one as well. A kernel that refuses leaves them as they are.
void drop_capabilities();

}  // namespace podreeve::prober
