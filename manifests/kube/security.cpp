#include "manifests/kube/security.h"

#include <algorithm>
#include <cctype>
#include <limits>

#include <fmt/format.h>

namespace podreeve::manifests::kube {
namespace {

constexpr std::int64_t kMaxId = std::numeric_limits<std::uint32_t>::max() - 1LL;

struct RunAs {
    std::optional<std::int64_t> user;
    std::optional<std::int64_t> group;
    std::optional<bool> non_root;
};

RunAs read_identity(const Place& context) {
    return {context["runAsUser"].integer(0, kMaxId), context["runAsGroup"].integer(0, kMaxId),
            context["runAsNonRoot"].boolean()};
}

std::map<std::string, std::string> read_selinux(const Place& options) {
    std::map<std::string, std::string> out;
    if (options.check_fields(fields::kSelinux)) {
        for (const char* key : {"user", "role", "type", "level"}) {
            if (const auto text = options[key].text(); text && !text->empty()) {
                out[key] = *text;
            }
        }
    }
    return out;
}

std::string read_seccomp(const Place& profile) {
    if (!profile.check_fields(fields::kSeccomp)) {
        return {};
    }
    const Place type = profile["type"];
    if (!type.require()) {
        return {};
    }
    const auto word = type.one_of({"RuntimeDefault", "Unconfined"});
    return word && *word == "Unconfined" ? "unconfined" : "";
}

// The same spelling for CAP_NET_ADMIN and net_admin, so that equal meaning is equal.
std::vector<std::string> read_capabilities(const Place& list) {
    std::vector<std::string> out;
    for (const Place& item : list.items()) {
        auto text = item.required_text();
        if (!text) {
            continue;
        }
        std::string name;
        for (const char c : *text) {
            name += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        }
        if (name.rfind("CAP_", 0) == 0) {
            name.erase(0, 4);
        }
        const bool good = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
            return (c >= 'A' && c <= 'Z') || c == '_';
        });
        if (!good) {
            item.fail(fmt::format("'{}' is not a capability", *text), "ALL, NET_ADMIN, …");
        } else if (std::find(out.begin(), out.end(), name) == out.end()) {
            out.push_back(std::move(name));
        }
    }
    return out;
}

void read_container_only(const Place& context, Security& out) {
    if (!context.check_fields(fields::kContainerSecurity)) {
        return;
    }
    out.privileged = context["privileged"].boolean();
    out.read_only_root = context["readOnlyRootFilesystem"].boolean();
    if (const auto allowed = context["allowPrivilegeEscalation"].boolean()) {
        out.no_new_privileges = !*allowed;
    }
    const Place capabilities = context["capabilities"];
    if (capabilities.check_fields(fields::kCapabilities)) {
        out.cap_add = read_capabilities(capabilities["add"]);
        out.cap_drop = read_capabilities(capabilities["drop"]);
    }
    context["procMount"].one_of({"Default"});
    if (out.privileged.value_or(false) && out.no_new_privileges.value_or(false)) {
        context["allowPrivilegeEscalation"].fail("cannot be false in a privileged container");
    }
}

void check_non_root(const Place& where, const RunAs& identity) {
    if (!identity.non_root.value_or(false)) {
        return;
    }
    if (!identity.user) {
        where.fail("needs runAsUser beside it: podreeve does not look into the image",
                   "runAsUser with an id above 0");
    } else if (*identity.user == 0) {
        where.fail("contradicts runAsUser: 0");
    }
}

void set_user(const Place& container, const Place& pod, Security& out) {
    // Those of the pod were told once already; here only the numbers count.
    std::vector<Diagnostic> reported;
    RunAs of_pod;
    if (pod.node() != nullptr) {
        of_pod = read_identity(Place(*pod.node(), pod.path(), reported));
    }
    RunAs identity = read_identity(container);
    const Place group =
        identity.group || !of_pod.group ? container["runAsGroup"] : pod["runAsGroup"];
    const Place non_root =
        identity.non_root || !of_pod.non_root ? container["runAsNonRoot"] : pod["runAsNonRoot"];
    identity.user = identity.user ? identity.user : of_pod.user;
    identity.group = identity.group ? identity.group : of_pod.group;
    identity.non_root = identity.non_root ? identity.non_root : of_pod.non_root;
    check_non_root(non_root, identity);
    if (identity.group && !identity.user) {
        group.fail("needs runAsUser beside it: podreeve does not look into the image");
    } else if (identity.user) {
        out.user = identity.group ? fmt::format("{}:{}", *identity.user, *identity.group)
                                  : fmt::format("{}", *identity.user);
    }
}

void inherit(const Place& container, const Place& pod, Security& out) {
    std::vector<Diagnostic> reported;
    if (pod.node() != nullptr) {
        const Place silent(*pod.node(), pod.path(), reported);
        out.selinux = read_selinux(silent["seLinuxOptions"]);
        out.seccomp = read_seccomp(silent["seccompProfile"]);
        for (const Place& group : silent["supplementalGroups"].items()) {
            if (const auto id = group.integer(0, kMaxId)) {
                out.groups.push_back(*id);
            }
        }
    }
    if (container["seLinuxOptions"].present()) {
        out.selinux = read_selinux(container["seLinuxOptions"]);
    }
    if (container["seccompProfile"].present()) {
        out.seccomp = read_seccomp(container["seccompProfile"]);
    }
}

}  // namespace

Security read_security(const Place& container, const Place& pod) {
    Security out;
    read_container_only(container, out);
    inherit(container, pod, out);
    set_user(container, pod, out);
    return out;
}

void check_pod_security(const Place& pod) {
    if (!pod.check_fields(fields::kPodSecurity)) {
        return;
    }
    read_identity(pod);
    read_selinux(pod["seLinuxOptions"]);
    read_seccomp(pod["seccompProfile"]);
    for (const Place& group : pod["supplementalGroups"].items()) {
        group.integer(0, kMaxId);
    }
}

std::map<std::string, std::string> read_sysctls(const Place& pod) {
    std::map<std::string, std::string> out;
    for (const Place& item : pod["sysctls"].items()) {
        if (!item.check_fields(fields::kSysctl)) {
            continue;
        }
        const auto name = item["name"].required_text();
        const auto value = item["value"].required_text();
        if (name && value && !out.emplace(*name, *value).second) {
            item["name"].fail(fmt::format("the sysctl {} is there twice", *name));
        }
    }
    return out;
}

}  // namespace podreeve::manifests::kube
