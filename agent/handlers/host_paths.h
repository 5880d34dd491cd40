#pragma once

#include <functional>
#include <string>

#include "agent/handlers/task.h"
#include "manifests/model.h"
#include "runtime/base/result.h"

namespace podreeve::handlers {

// Whose rights are at stake when a directory is made on the host.
enum class MadeBy { User, Root };
MadeBy made_by_this_process();

// Makes the source of a bind mount that asks for it by its options, unless something is there:
// Kubernetes' DirectoryOrCreate (0755, with its parents) and FileOrCreate (0644, empty, the parents
// have to be there), whatever the umask. It stays when the change is undone: what stands in it may
// be somebody's data. Root makes nothing beyond a link (Denied) but one in the root directory or
// right in a standard directory of the system's: a container that may write elsewhere may have
// planted it.
Status make_host_path(const manifests::Mount& mount, MadeBy by = made_by_this_process());

// Asks the file system of a host path on a thread beside: a worker that one held that does not
// answer (NFS, FUSE) would be one less for all other apps. ask owns all that it needs, since it may
// be left behind. Internal when it does not answer, and when ask says that it is away: that may be
// for days, so the step fails, the version that runs is kept up, and the change is begun again more
// and more seldom. Podman alone is waited for, since nothing can be done without it.
Status ask_host(const Task& task, const std::string& path, std::function<Status()> ask);

}  // namespace podreeve::handlers
