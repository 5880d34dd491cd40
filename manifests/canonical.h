#pragma once

#include <string>
#include <vector>

#include "manifests/model.h"

namespace podreeve::manifests {

// SHA-256 over paths, contents and modes, 16 hex digits: Mount's content_digest.
std::string digest_of(const std::vector<VolumeFile>& files);

}  // namespace podreeve::manifests
