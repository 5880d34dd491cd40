#pragma once

#include <string>

#include "agent/observe/observed.h"
#include "agent/plan/steps.h"

// The keys of our labels as strings, for looking them up in maps of strings.
namespace podreeve::plan {

inline const std::string kApp = observe::kLabelApp;
inline const std::string kPart = observe::kLabelPart;
inline const std::string kRole = observe::kLabelRole;
inline const std::string kSpec = observe::kLabelSpec;
inline const std::string kGeneration = observe::kLabelGeneration;
inline const std::string kOwner = observe::kLabelOwner;
inline const std::string kService = observe::kLabelService;
inline const std::string kPorts = kLabelPorts;
inline const std::string kOrder = kLabelOrder;
inline const std::string kSystemdUnit = observe::kLabelSystemdUnit;

}  // namespace podreeve::plan
