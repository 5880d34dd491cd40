#pragma once

#include <map>
#include <set>
#include <string>

namespace podreeve::manifests {

// Kubernetes' $(NAME): replaced by the variable's value, "$$" by "$"; a name that is not in values
// stays as written. names_used collects those that were replaced.
std::string expand_variables(const std::string& text,
                             const std::map<std::string, std::string>& values,
                             std::set<std::string>* names_used = nullptr);

}  // namespace podreeve::manifests
