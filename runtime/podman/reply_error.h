#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/error.h"
#include "runtime/http/client.h"

namespace podreeve::podman {

// What podman says of a failure, fit for a message.
std::string podman_words(std::string_view said);

// A reply that is neither 2xx nor 304, as an Error: "cannot start container web: podman: …". Libpod
// answers 500 to much that is a conflict, so podman's words decide too. Secrets are blotted out of
// them.
Error reply_error(const http::Response& reply,
                  std::string_view what,
                  const std::vector<std::string>& secrets);

// What podman calls a conflict in words, whatever the status says.
bool says_conflict(std::string_view message);

// What the error line of a pull's stream means: it has no status.
Code code_of_pull(std::string_view message);

}  // namespace podreeve::podman
