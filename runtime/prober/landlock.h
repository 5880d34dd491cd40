#pragma once

#include "runtime/base/result.h"

namespace podreeve::prober {

// From now on, and for all threads that this one starts: no file may be opened, made, changed or
// removed; and, on kernels that can (6.7 and 6.12), no TCP port be listened on, no abstract socket
// of others connected to, and no process outside be sent a signal. What is open stays open.
// Unsupported: a kernel without Landlock. Needs no_new_privs.
Status shut_off_files();

}  // namespace podreeve::prober
