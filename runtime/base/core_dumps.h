#pragma once

#include "runtime/base/result.h"

namespace podreeve {

// From here on the process leaves no core, and no other process of its user can read its memory:
// it holds the secrets of all apps. Programs it starts may be read again, and leave no core either.
Status refuse_core_dumps();

}  // namespace podreeve
