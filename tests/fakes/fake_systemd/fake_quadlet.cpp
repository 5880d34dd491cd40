#include "tests/fakes/fake_systemd/fake_quadlet.h"

#include <fstream>
#include <string>

namespace podreeve::fakes {
namespace {

namespace fs = std::filesystem;

constexpr const char* kScript = R"(#!/bin/sh
say() { echo "quadlet-generator[$$]: $*" >&2; }
failed=0
IFS=:
for directory in $QUADLET_UNIT_DIRS; do
    for file in "$directory"/*; do
        name=${file##*/}
        stem=${name%.*}
        type=${name##*.}
        case $type in
        container | kube) service=$stem.service ;;
        pod | volume | network | image | build) service=$stem-$type.service ;;
        *) continue ;;
        esac
        say "Loading source unit file $file"
        if grep -q '^Garbage=' "$file"; then
            say "converting \"$name\": unsupported key 'Garbage' in group 'Container' in $file"
            failed=1
            continue
        fi
        printf -- '---%s---\n[Unit]\nSourcePath=%s\n\n' "$service" "$file"
    done
done
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
