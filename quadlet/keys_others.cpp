#include "quadlet/keys.h"

namespace podreeve::quadlet {
namespace {

constexpr Key kPodKeys[] = {
    {"AddHost", ValueKind::Text, Use::Each, "--add-host", {5, 3, 0}},
    {"ContainersConfModule", ValueKind::Text, Use::Own, "", {5, 0, 0}},
    {"DNS", ValueKind::Text, Use::Each, "--dns", {5, 3, 0}},
    {"DNSOption", ValueKind::Text, Use::Each, "--dns-option", {5, 3, 0}},
    {"DNSSearch", ValueKind::Text, Use::Each, "--dns-search", {5, 3, 0}},
    {"ExitPolicy", ValueKind::Choice, Use::Own, "", {5, 6, 0}, "stop|continue"},
    {"GIDMap", ValueKind::Words, Use::Own, "", {5, 3, 0}},
    {"GlobalArgs", ValueKind::Arguments, Use::Own, "", {5, 0, 0}},
    {"HostName", ValueKind::Text, Use::Each, "--hostname", {5, 5, 0}},
    {"IP", ValueKind::Address, Use::Option, "--ip", {5, 3, 0}},
    {"IP6", ValueKind::Address, Use::Option, "--ip6", {5, 3, 0}},
    {"Label", ValueKind::Pairs, Use::Pairs, "--label", {5, 6, 0}},
    {"Network", ValueKind::Text, Use::Own, "", {5, 0, 0}},
    {"NetworkAlias", ValueKind::Text, Use::Each, "--network-alias", {5, 2, 0}},
    {"PodName", ValueKind::Text, Use::Own, "", {5, 0, 0}},
    {"PodmanArgs", ValueKind::Arguments, Use::Own, "", {5, 0, 0}},
    {"PublishPort", ValueKind::Publish, Use::Each, "--publish", {5, 0, 0}},
    {"RemapGid", ValueKind::Words, Use::Own, "", {5, 3, 0}, "", "UserNS= or GIDMap="},
    {"RemapUid", ValueKind::Words, Use::Own, "", {5, 3, 0}, "", "UserNS= or UIDMap="},
    {"RemapUidSize", ValueKind::Number, Use::Own, "", {5, 3, 0}, "", "UserNS="},
    {"RemapUsers", ValueKind::Choice, Use::Own, "", {5, 3, 0}, "manual|auto|keep-id", "UserNS="},
    {"ServiceName", ValueKind::Text, Use::Own, "", {5, 0, 0}},
    {"ShmSize", ValueKind::Size, Use::Option, "--shm-size", {5, 4, 0}},
    {"StopTimeout", ValueKind::Number, Use::Own, "", {5, 7, 0}},
    {"SubGIDMap", ValueKind::Text, Use::Own, "", {5, 3, 0}},
    {"SubUIDMap", ValueKind::Text, Use::Own, "", {5, 3, 0}},
    {"UIDMap", ValueKind::Words, Use::Own, "", {5, 3, 0}},
    {"UserNS", ValueKind::Text, Use::Own, "", {5, 3, 0}},
    {"Volume", ValueKind::Text, Use::Own, "", {5, 0, 0}},
};

constexpr Key kKubeKeys[] = {
    {"AutoUpdate", ValueKind::Words, Use::Own, "", {4, 7, 0}},
    {"ConfigMap", ValueKind::Words, Use::Own, ""},
    {"ContainersConfModule", ValueKind::Text, Use::Own, "", {4, 8, 0}},
    {"ExitCodePropagation",
     ValueKind::Choice,
     Use::OptionJoined,
     "--service-exit-code-propagation",
     {4, 6, 0},
     "all|any|none"},
    {"GlobalArgs", ValueKind::Arguments, Use::Own, "", {4, 8, 0}},
    {"KubeDownForce", ValueKind::Boolean, Use::Own, "", {4, 8, 0}},
    {"LogDriver", ValueKind::Text, Use::OptionAnyway, "--log-driver", {4, 5, 0}},
    {"LogOpt", ValueKind::Words, Use::EachWord, "--log-opt", {5, 2, 0}},
    {"Network", ValueKind::Text, Use::Own, ""},
    {"PodmanArgs", ValueKind::Arguments, Use::Own, "", {4, 6, 0}},
    {"PublishPort", ValueKind::Publish, Use::Each, "--publish", {4, 5, 0}},
    {"RemapGid", ValueKind::Words, Use::Own, "", {4, 4, 0}, "", "UserNS="},
    {"RemapUid", ValueKind::Words, Use::Own, "", {4, 4, 0}, "", "UserNS="},
    {"RemapUidSize", ValueKind::Number, Use::Own, "", {4, 4, 0}, "", "UserNS="},
    {"RemapUsers", ValueKind::Choice, Use::Own, "", {4, 4, 0}, "auto|keep-id", "UserNS="},
    {"ServiceName", ValueKind::Text, Use::Own, "", {5, 3, 0}},
    {"SetWorkingDirectory", ValueKind::Choice, Use::Own, "", {4, 7, 0}, "yaml|unit"},
    {"UserNS", ValueKind::Text, Use::Own, "", {4, 5, 0}},
    {"Yaml", ValueKind::Words, Use::Own, ""},
};

constexpr Key kVolumeKeys[] = {
    {"ContainersConfModule", ValueKind::Text, Use::Own, "", {4, 8, 0}},
    {"Copy", ValueKind::Boolean, Use::Own, ""},
    {"Device", ValueKind::Text, Use::Own, ""},
    {"Driver", ValueKind::Text, Use::OptionAnyway, "--driver", {4, 7, 0}},
    {"GlobalArgs", ValueKind::Arguments, Use::Own, "", {4, 8, 0}},
    {"Group", ValueKind::Number, Use::Own, ""},
    {"Image", ValueKind::Text, Use::Own, "", {4, 8, 0}},
    {"Label", ValueKind::Pairs, Use::Pairs, "--label"},
    {"Options", ValueKind::Text, Use::Own, ""},
    {"PodmanArgs", ValueKind::Arguments, Use::Own, "", {4, 6, 0}},
    {"ServiceName", ValueKind::Text, Use::Own, "", {5, 3, 0}},
    {"Type", ValueKind::Text, Use::Own, ""},
    {"User", ValueKind::Number, Use::Own, ""},
    {"VolumeName", ValueKind::Text, Use::Own, "", {4, 7, 0}},
};

constexpr Key kNetworkKeys[] = {
    {"ContainersConfModule", ValueKind::Text, Use::Own, "", {4, 8, 0}},
    {"DNS", ValueKind::Text, Use::Each, "--dns", {4, 7, 0}},
    {"DisableDNS", ValueKind::Boolean, Use::Switch, "--disable-dns"},
    {"Driver", ValueKind::Text, Use::Option, "--driver"},
    {"Gateway", ValueKind::Address, Use::Own, ""},
    {"GlobalArgs", ValueKind::Arguments, Use::Own, "", {4, 8, 0}},
    {"IPAMDriver", ValueKind::Text, Use::Option, "--ipam-driver"},
    {"IPRange", ValueKind::Text, Use::Own, ""},
    {"IPv6", ValueKind::Boolean, Use::Switch, "--ipv6"},
    {"InterfaceName", ValueKind::Text, Use::Option, "--interface-name", {5, 6, 0}},
    {"Internal", ValueKind::Boolean, Use::Switch, "--internal"},
    {"Label", ValueKind::Pairs, Use::Pairs, "--label"},
    {"NetworkDeleteOnStop", ValueKind::Boolean, Use::Own, "", {5, 5, 0}},
    {"NetworkName", ValueKind::Text, Use::Own, "", {4, 7, 0}},
    {"Options", ValueKind::Pairs, Use::Pairs, "--opt"},
    {"PodmanArgs", ValueKind::Arguments, Use::Own, "", {4, 6, 0}},
    {"ServiceName", ValueKind::Text, Use::Own, "", {5, 3, 0}},
    {"Subnet", ValueKind::Subnet, Use::Own, ""},
};

constexpr Key kImageKeys[] = {
    {"AllTags", ValueKind::Boolean, Use::Switch, "--all-tags", {4, 8, 0}},
    {"Arch", ValueKind::Text, Use::Option, "--arch", {4, 8, 0}},
    {"AuthFile", ValueKind::Text, Use::Option, "--authfile", {4, 8, 0}},
    {"CertDir", ValueKind::Text, Use::Option, "--cert-dir", {4, 8, 0}},
    {"ContainersConfModule", ValueKind::Text, Use::Own, "", {4, 8, 0}},
    {"Creds", ValueKind::Text, Use::Option, "--creds", {4, 8, 0}},
    {"DecryptionKey", ValueKind::Text, Use::Option, "--decryption-key", {4, 8, 0}},
    {"GlobalArgs", ValueKind::Arguments, Use::Own, "", {4, 8, 0}},
    {"Image", ValueKind::Text, Use::Own, "", {4, 8, 0}},
    {"ImageTag", ValueKind::Text, Use::Own, "", {4, 8, 0}},
    {"OS", ValueKind::Text, Use::Option, "--os", {4, 8, 0}},
    {"PodmanArgs", ValueKind::Arguments, Use::Own, "", {4, 8, 0}},
    {"Policy", ValueKind::Choice, Use::Option, "--policy", {5, 6, 0}, "always|missing|never|newer"},
    {"Retry", ValueKind::Number, Use::Option, "--retry", {5, 5, 0}},
    {"RetryDelay", ValueKind::Duration, Use::Option, "--retry-delay", {5, 5, 0}},
    {"ServiceName", ValueKind::Text, Use::Own, "", {5, 3, 0}},
    {"TLSVerify", ValueKind::Boolean, Use::Switch, "--tls-verify", {4, 8, 0}},
    {"Variant", ValueKind::Text, Use::Option, "--variant", {4, 8, 0}},
};

constexpr Key kBuildKeys[] = {
    {"Annotation", ValueKind::Pairs, Use::Pairs, "--annotation", {5, 2, 0}},
    {"Arch", ValueKind::Text, Use::Option, "--arch", {5, 2, 0}},
    {"AuthFile", ValueKind::Text, Use::Option, "--authfile", {5, 2, 0}},
    {"BuildArg", ValueKind::Pairs, Use::Pairs, "--build-arg", {5, 7, 0}},
    {"ContainersConfModule", ValueKind::Text, Use::Own, "", {5, 2, 0}},
    {"DNS", ValueKind::Text, Use::Each, "--dns", {5, 2, 0}},
    {"DNSOption", ValueKind::Text, Use::Each, "--dns-option", {5, 2, 0}},
    {"DNSSearch", ValueKind::Text, Use::Each, "--dns-search", {5, 2, 0}},
    {"Environment", ValueKind::Pairs, Use::Pairs, "--env", {5, 2, 0}},
    {"File", ValueKind::Text, Use::Own, "", {5, 2, 0}},
    {"ForceRM", ValueKind::Boolean, Use::Switch, "--force-rm", {5, 2, 0}},
    {"GlobalArgs", ValueKind::Arguments, Use::Own, "", {5, 2, 0}},
    {"GroupAdd", ValueKind::Text, Use::Each, "--group-add", {5, 2, 0}},
    {"IgnoreFile", ValueKind::Text, Use::Option, "--ignorefile", {5, 7, 0}},
    {"ImageTag", ValueKind::Text, Use::Each, "--tag", {5, 2, 0}},
    {"Label", ValueKind::Pairs, Use::Pairs, "--label", {5, 2, 0}},
    {"Network", ValueKind::Text, Use::Own, "", {5, 2, 0}},
    {"PodmanArgs", ValueKind::Arguments, Use::Own, "", {5, 2, 0}},
    {"Pull",
     ValueKind::Choice,
     Use::OptionJoined,
     "--pull",
     {5, 2, 0},
     "always|missing|never|newer|ifnewer|true|false"},
    {"Retry", ValueKind::Number, Use::Option, "--retry", {5, 5, 0}},
    {"RetryDelay", ValueKind::Duration, Use::Option, "--retry-delay", {5, 5, 0}},
    {"Secret", ValueKind::Arguments, Use::EachArgument, "--secret", {5, 2, 0}},
    {"ServiceName", ValueKind::Text, Use::Own, "", {5, 3, 0}},
    {"SetWorkingDirectory", ValueKind::Text, Use::Own, "", {5, 2, 0}},
    {"TLSVerify", ValueKind::Boolean, Use::Switch, "--tls-verify", {5, 2, 0}},
    {"Target", ValueKind::Text, Use::Option, "--target", {5, 2, 0}},
    {"Variant", ValueKind::Text, Use::Option, "--variant", {5, 2, 0}},
    {"Volume", ValueKind::Text, Use::Own, "", {5, 2, 0}},
};

}  // namespace

std::span<const Key> pod_keys() {
    return kPodKeys;
}

std::span<const Key> kube_keys() {
    return kKubeKeys;
}

std::span<const Key> volume_keys() {
    return kVolumeKeys;
}

std::span<const Key> network_keys() {
    return kNetworkKeys;
}

std::span<const Key> image_keys() {
    return kImageKeys;
}

std::span<const Key> build_keys() {
    return kBuildKeys;
}

}  // namespace podreeve::quadlet
