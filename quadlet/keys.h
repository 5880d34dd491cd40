#pragma once

#include <span>
#include <string_view>

#include "quadlet/names.h"
#include "quadlet/podman_release.h"

namespace podreeve::quadlet {

// What a key's value has to look like. Values with a specifier (%h) are systemd's to resolve and
// never checked further.
enum class ValueKind {
    Text,
    Words,      // split at blanks, quotes hold together, backslashes stay
    Arguments,  // the same, with C escapes
    Pairs,      // arguments, each NAME=VALUE or NAME
    Boolean,
    Number,    // not negative
    Limit,     // a number, or -1 for none
    Duration,  // 1m30s, 90, disable
    Size,      // 64m
    Address,   // IPv4 or IPv6
    Subnet,    // ADDRESS/BITS
    Port,      // to expose: 80, 50-59, 80/udp
    Publish,   // [[IP:][HOST]:]CONTAINER[/PROTOCOL]
    Choice,    // one of `words`
};

// What of podman's command line follows from a key. The order in which options stand is not a part
// of it, since the generator's own is not fixed.
enum class Use {
    Own,           // code of its own, in commands_*.cpp
    Option,        // FLAG VALUE, of the last value, unless that is empty
    OptionJoined,  // FLAG=VALUE, likewise
    OptionAnyway,  // FLAG VALUE, also when it is empty
    Each,          // FLAG VALUE for each value
    EachWord,      // FLAG WORD for each of the words
    EachArgument,  // FLAG ARGUMENT for each of the arguments
    Pairs,         // FLAG NAME=VALUE for each pair
    Switch,        // FLAG, or FLAG=false
};

// A key of a type's own section: podman-systemd.unit(5), podman's release notes and the generator
// itself, 5.4.2 and 5.8.6, are where the rows are from.
struct Key {
    std::string_view name;
    ValueKind kind;
    Use use;
    std::string_view flag;
    PodmanRelease since = kFirstRelease;
    std::string_view words = {};       // of a Choice, split by |
    std::string_view deprecated = {};  // what to write instead
};

std::span<const Key> keys_of(UnitType type);
// Null when the type has no such key.
const Key* find_key(UnitType type, std::string_view name);
// The first podman that reads files of the type.
PodmanRelease first_release(UnitType type);

// The tables, a file each for the long one and for all others.
std::span<const Key> container_keys();
std::span<const Key> pod_keys();
std::span<const Key> kube_keys();
std::span<const Key> volume_keys();
std::span<const Key> network_keys();
std::span<const Key> image_keys();
std::span<const Key> build_keys();

}  // namespace podreeve::quadlet
