#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "manifests/validate.h"

// What is wrong between the companions of all apps.
namespace podreeve::manifests {

// What no two apps can both have: the files of units, their services, and the containers and pods
// they make. Each with the path to tell it by.
std::vector<std::pair<std::string, std::string>> names_of_companions(const AppSpec& app);

// Units that none of the companions is, and paths that would be looked for beside the installed
// unit. Of units of one name the first in order counts.
void find_unit_flaws(const AppsByName& apps,
                     const std::vector<std::string>& order,
                     std::map<std::string, std::vector<Flaw>>& out);

}  // namespace podreeve::manifests
