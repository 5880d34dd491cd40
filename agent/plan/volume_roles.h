#pragma once

#include <map>
#include <string>
#include <string_view>

#include "manifests/model.h"

// A volume is what it was made as: its role stands on it as a label, and nothing of another role is
// written into it, mounted in its place or removed with it. Asked when a plan is made, and again by
// every handler at the moment it acts.
namespace podreeve::plan {

// kRoleVolume…
std::string_view volume_role(manifests::VolumeOrigin origin);

// Claims and plain volumes: data of people's, never written to, never removed.
bool holds_data(std::string_view role);
// ConfigMaps and Secrets: nothing in them but what the manifest says.
bool is_filled(std::string_view role);

// "a claim", "an emptyDir", "a ConfigMap", …; of no role: "not podreeve's".
std::string_view words_of_role(std::string_view role);

// Why a volume with these labels cannot be had as one of that role: "is a claim, and is wanted as a
// ConfigMap". Empty: it can. Whose it is, is another question.
std::string role_difference(const std::map<std::string, std::string>& labels,
                            std::string_view wanted);

}  // namespace podreeve::plan
