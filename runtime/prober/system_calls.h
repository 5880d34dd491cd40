#pragma once

#include "runtime/base/result.h"

namespace podreeve::prober {

// What the prober may ask of the kernel from now on, it and all threads that it starts.
//
//   a call of the list   done
//   any other            EPERM: a library of tomorrow that tries something new has to live without,
//                        and the probes go on
//   one that only an     the process is killed at once (SIGSYS, which the agent counts as a crash):
//   intruder makes       run a program, trace or write into others, mount, load code into the
//   kernel
//
// Some are bound by what they are asked for: sockets are TCP's and those that tell addresses,
// memory never becomes code, a clone is a thread, the namespaces entered are networks and users.
//
// Unsupported: a kernel without seccomp. Needs no_new_privs.
Status allow_few_system_calls();

// The same, and whether with what the runtime of a sanitizer needs: files to report to among them.
// The one above takes it where it was compiled so; what is installed never is.
Status allow_few_system_calls(bool sanitized);

}  // namespace podreeve::prober
