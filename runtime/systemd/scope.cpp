#include "runtime/systemd/scope.h"

#include <fmt/format.h>

namespace podreeve::systemd {

Scope scope_of(uid_t uid) {
    return uid == 0 ? Scope::System : Scope::User;
}

std::string systemctl(Scope scope) {
    return scope == Scope::System ? "systemctl" : "systemctl --user";
}

std::string default_address(uid_t uid) {
    return uid == 0 ? "unix:path=/run/dbus/system_bus_socket"
                    : fmt::format("unix:path=/run/user/{}/bus", uid);
}

}  // namespace podreeve::systemd
