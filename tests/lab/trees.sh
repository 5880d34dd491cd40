# shellcheck shell=bash
# The lab's cached trees. Sourced by `lab`; needs $lab_home, $repo and die().
#
# A tree's folder name carries a hash of everything it was made from (this file and the package lists), so a changed
# recipe makes a new tree and never a half-old one. A tree is built under a temporary name and renamed when whole; a
# lock per tree lets the second of two callers wait for the first.
#
#   base/SUITE-KEY         what a lab boots: Debian with systemd, podman and the libraries podreeve links
#   build/SUITE-KEY        the base tree with the compiler and the -dev packages, where the .deb is built

# shellcheck disable=SC2154 # $repo, $lab_home: of `lab`
deps_of() { sed -n "s/^$1: *//p" "$repo/packaging/build-deps.txt" | tr '\n' ' '; }

lab_packages() { # SUITE
  local net=passt
  [[ $1 == bookworm ]] && net=slirp4netns
  echo systemd systemd-sysv dbus dbus-user-session libpam-systemd podman crun uidmap "$net" netavark aardvark-dns \
    iproute2 nftables iptables procps ca-certificates curl busybox-static catatonit fuse-overlayfs \
    docker-registry sqlite3 jq
}

known_suite() { case $1 in bookworm | trixie | forky) ;; *) die "no release '$1': bookworm, trixie or forky" ;; esac; }

tree_path() { # KIND SUITE
  local key
  key=$({ cat "$repo/tests/lab/trees.sh" && deps_of link && if [[ $1 == build ]]; then deps_of build; fi; } | sha256sum)
  echo "$lab_home/$1/$2-${key:0:12}"
}

# Prints the path of a whole tree, building it first when it is not there.
tree() { # KIND SUITE
  local kind=$1 suite=$2 path
  known_suite "$suite"
  path=$(tree_path "$kind" "$suite")
  if [[ ! -d $path ]]; then
    mkdir -p "$lab_home/$kind" "$lab_home/log"
    (
      flock 9
      [[ -d $path ]] && exit 0
      build_tree "$kind" "$suite" "$path"
    ) 9>"$lab_home/$kind/.lock-$suite" || exit 1
  fi
  echo "$path"
}

build_tree() { # KIND SUITE PATH, under the lock
  local kind=$1 suite=$2 path=$3 log=$lab_home/log/$1-$2.log base="" began=$SECONDS
  if [[ $kind == build ]]; then base=$(tree base "$suite"); fi
  echo "lab: building the $kind tree of $suite, a few minutes, once (log: $log)" >&2
  rm -rf --one-file-system "$path.part"
  # namespaces of its own: what debootstrap mounts or starts goes away with it, however it ends
  if ! unshare --mount --pid --fork --kill-child --mount-proc \
    bash "$repo/tests/lab/lab" _fill "$kind" "$suite" "$path.part" "$base" >"$log" 2>&1 </dev/null 9>&-; then
    rm -rf --one-file-system "$path.part"
    tail -5 "$log" >&2
    die "cannot build the $kind tree of $suite; the log is $log"
  fi
  mv "$path.part" "$path"
  echo "lab: $path is ready after $((SECONDS - began)) s" >&2
  drop_old_trees "$kind" "$suite" "$path"
}

# Trees of an older recipe go, unless a lab stands on them.
drop_old_trees() { # KIND SUITE KEEP
  local old
  for old in "$lab_home/$1/$2"-*; do
    [[ $old == "$3" || $old == *.part ]] && continue
    if ! grep -qsxF "$old" "$lab_home"/labs/*/base; then rm -rf --one-file-system "$old"; fi
  done
}

fill_base() { # SUITE TREE
  local suite=$1 tree=$2 mirror script=/usr/share/debootstrap/scripts/$1
  mirror=$(debian_mirror)
  [[ -e $script ]] || script=/usr/share/debootstrap/scripts/sid
  mkdir -p "$lab_home/debs/$suite"
  debootstrap --variant=minbase --cache-dir="$lab_home/debs/$suite" --include="$(lab_packages "$suite" | tr ' ' ',')" \
    "$suite" "$tree" "$mirror" "$script"
  # shellcheck disable=SC2046 # one word a package
  in_chroot "$tree" apt-get install $(runtime_libraries "$tree")
  furnish "$tree"
}

debian_mirror() {
  local uri
  uri=$(awk '/^URIs:/ { print $2; exit }' /etc/apt/sources.list.d/debian.sources 2>/dev/null || true)
  [[ -n $uri ]] || uri=$(sed -n 's/^deb \(\[[^]]*\] \)\?\(http[^ ]*\).*/\2/p' /etc/apt/sources.list 2>/dev/null | head -1)
  echo "${uri:-http://deb.debian.org/debian}"
}

# The shared libraries behind the -dev packages that podreeve links; their names differ from release to release.
runtime_libraries() { # TREE
  # shellcheck disable=SC2046 # one word a package
  chroot "$1" apt-cache depends --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
    $(deps_of link) | sed -n 's/^ *Depends: \(lib[^ ]*\)$/\1/p' | grep -v -e '-dev$' | sort -u
}

in_chroot() { # TREE apt-get install|update …
  local tree=$1
  shift
  cp -L /etc/resolv.conf "$tree/etc/resolv.conf"
  printf '#!/bin/sh\nexit 101\n' >"$tree/usr/sbin/policy-rc.d" # nothing is started in a tree
  chmod 755 "$tree/usr/sbin/policy-rc.d"
  chroot "$tree" env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@" \
    -y --no-install-recommends -o Acquire::Check-Valid-Until=false -o Dpkg::Options::=--force-unsafe-io
  rm "$tree/usr/sbin/policy-rc.d"
  echo 'nameserver 192.0.2.53' >"$tree/etc/resolv.conf" # a lab has no network: a lookup fails at once
}

# What turns a plain Debian into a lab.
furnish() { # TREE
  local tree=$1 wants=$1/etc/systemd/system/multi-user.target.wants
  rm -f "$tree"/var/cache/apt/archives/*.deb
  # no pids controller here; and one keyring a container would meet the kernel's quota of 200 a user
  mkdir -p "$tree/etc/containers/registries.conf.d"
  cat >"$tree/etc/containers/containers.conf" <<'TOML'
[containers]
pids_limit = 0
keyring = false
[engine.runtimes]
crun = ["/usr/local/bin/lab-crun"]
TOML
  printf '[[registry]]\nlocation = "localhost:5000"\ninsecure = true\n' >"$tree/etc/containers/registries.conf.d/lab.conf"
  chroot "$tree" useradd -m -s /bin/bash app
  mkdir -p "$tree/var/lib/systemd/linger" "$tree/var/log/journal" "$wants"
  touch "$tree/var/lib/systemd/linger/app"
  chroot "$tree" systemctl --global enable podman.socket
  # a unit that waits for the network would otherwise wait 90 s for a link manager that is not there
  ln -sf /usr/lib/systemd/system/network-online.target "$wants/network-online.target"
  # newer systemd cannot register a login session here: hand the user manager its runtime directory
  mkdir -p "$tree/etc/systemd/system/user@.service.d"
  cat >"$tree/etc/systemd/system/user@.service.d/20-runtime.conf" <<'UNIT'
[Service]
Environment=XDG_RUNTIME_DIR=/run/user/%i DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/%i/bus
UNIT
  local unit
  for unit in systemd-modules-load.service console-getty.service getty.target docker-registry.service \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer; do
    ln -sf /dev/null "$tree/etc/systemd/system/$unit"
  done
  furnish_runtime "$tree"
  furnish_registry "$tree"
  furnish_busybox "$tree"
}

# Where the machine keeps its controllers in cgroup v1, crun cannot set a limit and would refuse to create a container
# that has one: there the limits are left out of what crun gets, while podman goes on to show them.
furnish_runtime() { # TREE
  cat >"$1/usr/local/bin/lab-crun" <<'SH'
#!/bin/busybox sh
case " $* " in
  *" create "*)
    bundle=""
    for word; do
      [ "$last" = --bundle ] || [ "$last" = -b ] && bundle=$word
      last=$word
    done
    if [ -n "$bundle" ] && ! grep -q memory /sys/fs/cgroup/cgroup.controllers; then
      without=$(jq -c 'if .linux.resources then .linux.resources |= del(.memory, .cpu, .pids, .blockIO) else . end' \
        "$bundle/config.json") && printf '%s' "$without" >"$bundle/config.json"
    fi
    ;;
esac
exec /usr/bin/crun "$@"
SH
  chmod 755 "$1/usr/local/bin/lab-crun"
}

furnish_registry() { # TREE
  mkdir -p "$1/etc/lab"
  cat >"$1/etc/lab/registry.yml" <<'YAML'
version: 0.1
log: {level: warn}
storage: {filesystem: {rootdirectory: /var/lib/lab-registry}, delete: {enabled: true}}
http: {addr: "127.0.0.1:5000"}
YAML
  cat >"$1/etc/systemd/system/lab-registry.service" <<'UNIT'
[Unit]
Description=The lab's image registry
[Service]
ExecStart=/usr/bin/docker-registry serve /etc/lab/registry.yml
StateDirectory=lab-registry
UNIT
}

# One small image root, made of the static busybox alone.
furnish_busybox() { # TREE
  local root=$1/opt/busybox applet
  mkdir -p "$root"/{bin,tmp,etc,www}
  chmod 1777 "$root/tmp"
  cp "$(readlink -f "$1/bin/busybox")" "$root/bin/busybox"
  for applet in $("$root/bin/busybox" --list); do
    [[ $applet == busybox ]] || ln -s busybox "$root/bin/$applet"
  done
  printf 'root:x:0:0:root:/:/bin/sh\napp:x:1000:1000:app:/:/bin/sh\n' >"$root/etc/passwd"
  printf 'root:x:0:\napp:x:1000:\n' >"$root/etc/group"
}

fill_build() { # SUITE TREE BASE
  cp -a --reflink=auto "$3" "$2"
  in_chroot "$2" apt-get update
  # shellcheck disable=SC2046 # one word a package
  in_chroot "$2" apt-get install $(deps_of build) $(deps_of link)
  rm -f "$2"/var/cache/apt/archives/*.deb
}
