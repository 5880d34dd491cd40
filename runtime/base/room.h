#pragma once

#include <string>
#include <string_view>

#include "runtime/base/clock.h"

namespace podreeve {

// Whether these words, the kernel's, podman's or systemd's, say that there was no room for
// something: space, inodes or a quota on a disk, a disk that can only be read, descriptors, memory.
// It comes back by itself or by a person's hand, sooner or later; to ask again at once helps
// little. Podman answers it as any failure of its own, so that only its words tell.
bool is_no_room(std::string_view message);

// The pause, shorter by up to a fifth: those who were refused together do not come back together.
// The same for the same salt.
Duration shortened(Duration pause, const std::string& salt);

}  // namespace podreeve
