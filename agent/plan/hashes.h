#pragma once

#include <memory>
#include <string>
#include <vector>

#include "manifests/model.h"

namespace podreeve::plan {

// The label_spec of every part of an app, in the order of the spec, and the hash of the whole.
struct SpecHashes {
    std::string app;
    std::vector<std::string> pods, containers, secrets;
};

// Remembered for as long as the spec lives, since a pass over a converged host would spend most of
// its time on hashing values that never change. Any thread.
std::shared_ptr<const SpecHashes> hashes_of(const std::shared_ptr<const manifests::AppSpec>& app);

}  // namespace podreeve::plan
