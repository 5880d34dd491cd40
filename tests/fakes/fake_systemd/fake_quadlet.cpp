#include "tests/fakes/fake_systemd/fake_quadlet.h"

#include <fstream>
#include <string>

namespace podreeve::fakes {
namespace {

namespace fs = std::filesystem;

constexpr const char* kScript = R"(#!/bin/sh
failed=0
say() { echo "quadlet-generator[$$]: $*" >&2; }
complain() { failed=1 && say "$*"; }

is_unit() { # FILE
    case $1 in
    *.container | *.pod | *.kube | *.volume | *.network | *.image | *.build) [ -f "$1" ] ;;
    *) false ;;
    esac
}

loads() { # DIRECTORY: whether each of its units can be parsed
    all=0
    for file in "$1"/*; do
        is_unit "$file" || continue
        say "Loading source unit file $file"
        grep -qavE '^([[:space:]]*|[#;].*|\[.*\]|[^=]+=.*)$' "$file" || continue
        complain "error loading \"$file\", file contains line 1: “garbage” which is not a" \
            "key-value pair, group, or comment"
        all=1
    done
    return $all
}

convert() { # FILE
    name=${1##*/}
    stem=${name%.*}
    type=${name##*.}
    case $type in
    container | kube) service=$stem.service ;;
    *) service=$stem-$type.service ;;
    esac
    if grep -q '^Garbage=' "$1"; then
        complain "converting \"$name\": unsupported key 'Garbage' in group 'Container' in $1"
    else
        printf -- '---%s---\n[Unit]\nSourcePath=%s\n\n' "$service" "$1"
    fi
}

IFS=:
for top in $QUADLET_UNIT_DIRS; do
    find "$top" -type d ! -name '*.d' 2>/dev/null | while IFS= read -r directory; do echo "$directory"; done
done >"${0}.$$"
while IFS= read -r directory; do
    loads "$directory" || continue
    for file in "$directory"/*; do
        ! is_unit "$file" || convert "$file"
    done
done <"${0}.$$"
rm "${0}.$$"
[ $failed = 0 ] || say "processing encountered some errors"
exit $failed
)";

}  // namespace

void install_fake_quadlet(const fs::path& root, systemd::Scope scope) {
    const std::string kind = scope == systemd::Scope::System ? "system" : "user";
    const fs::path directory = root / "usr/lib/systemd" / (kind + "-generators");
    fs::create_directories(directory);
    const fs::path program = directory / ("podman-" + kind + "-generator");
    std::ofstream(program) << kScript;
    fs::permissions(program, fs::perms::owner_all);
}

}  // namespace podreeve::fakes
