#pragma once

#include <string>
#include <sys/types.h>

namespace podreeve::systemd {

// Whose systemd: a user's own, or the one of the host.
enum class Scope { User, System };

// Root's is the host's, everybody else's their own.
Scope scope_of(uid_t uid);

// "systemctl --user" or "systemctl", for messages that tell a person what to do.
std::string systemctl(Scope scope);

// Where the bus of that systemd listens, as D-Bus writes addresses.
std::string default_address(uid_t uid);

}  // namespace podreeve::systemd
