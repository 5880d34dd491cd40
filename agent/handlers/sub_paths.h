#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "agent/handlers/task.h"
#include "manifests/model.h"
#include "runtime/base/beneath.h"
#include "runtime/base/result.h"

// Sub paths of bind mounts. The runtime follows links on the host, and a container that writes the
// host path could give itself or another all that the agent's user may read (CVE-2017-1002101). So
// they are looked at twice: before a container is made or started, and, since a link may come
// between that look and the mount, once the runtime has mounted them and nothing runs there yet.
namespace podreeve::handlers {

// Denied while the sub path of a bind mount is a link, is reached through one, or leaves the host
// path; NotFound when it is not there.
Status check_sub_path(const manifests::Mount& mount, WalkBy by = WalkBy::Kernel);
// Each asked as ask_host() does.
Status check_sub_paths(const Task& task, const std::vector<manifests::Mount>& mounts);
bool has_sub_paths(const std::vector<manifests::Mount>& mounts);

// Denied when what is mounted at a target below root, the root directory of a container's process
// as /proc shows it, is not what stands at the sub path. Where directories of the container's users
// keep the agent out, the table of mounts beside root tells. What neither shows (a root by FUSE, a
// /proc with hidepid) is noted and let pass: the look before has to do.
Status check_mounted(const std::vector<manifests::Mount>& mounts,
                     const std::filesystem::path& root,
                     const std::function<void(const std::string&)>& note);

// Of a container with sub paths: has podman mount all that it mounts, and looks, before anything of
// it runs. One that mounts something else is taken down again.
Status mount_and_look(Task& task,
                      const std::string& id,
                      const std::vector<manifests::Mount>& mounts);

}  // namespace podreeve::handlers
