#pragma once

#include <map>
#include <optional>
#include <string>

#include "agent/handlers/task.h"
#include "runtime/podman/types.h"

// What is there under a name or an id, and whose it is. Nothing that does not carry this app's and
// this owner's labels is ever changed: the look-ups named own_* fail with Conflict on such a thing,
// and what they return is then acted on by its id, so that a name that moves meanwhile harms
// nobody.
namespace podreeve::handlers {

bool is_ours(const Task& task, const std::map<std::string, std::string>& labels);
// Also an emptyDir of an app whose pods this one has now.
bool is_ours(const Task& task, const podman::VolumeDetails& volume);
// Ours, and made from the same spec for the same part.
bool is_same(const Task& task, const std::map<std::string, std::string>& labels);
// "cannot touch container web: it does not belong to app web of this agent …"
Error not_ours(const Task& task, const char* noun, const std::string& name);
// "cannot use volume data: it is a claim, and is wanted as a ConfigMap".
Error other_role(const std::string& name, const std::string& difference);
// "cannot create container web: one of another version is there; …"
Error other_version(const char* noun, const std::string& name);

// Absent is nullopt; only what could not be read is an error.
// who: a whole id or a name. Podman would also take the beginning of an id, and so another's
// container for one that is called "db": such a find is none.
Result<std::optional<podman::ContainerDetails>> find_container(const Task& task,
                                                               const std::string& who);
Result<std::optional<podman::PodSummary>> find_pod(const Task& task, const std::string& who);
Result<std::optional<podman::VolumeDetails>> find_volume(const Task& task, const std::string& name);
Result<std::optional<podman::SecretDetails>> find_secret(const Task& task, const std::string& name);

Result<std::optional<podman::ContainerDetails>> own_container(const Task& task,
                                                              const std::string& who);
Result<std::optional<podman::PodSummary>> own_pod(const Task& task, const std::string& who);
Result<std::optional<podman::VolumeDetails>> own_volume(const Task& task, const std::string& name);
Result<std::optional<podman::SecretDetails>> own_secret(const Task& task, const std::string& name);

// Removes exactly that volume, found a moment ago; one in use is Conflict.
Status remove_own_volume(const Task& task, const podman::VolumeDetails& volume);

podman::RemoveOptions by_force();
bool is_running(const podman::ContainerDetails& container);

}  // namespace podreeve::handlers
