# shellcheck shell=bash
# Runs a lab's host; `lab up` starts it in a mount and a network namespace and in a cgroup of the lab's own. Sourced by
# `lab`; needs $lab_home.
#
# The root is an overlay: the cached tree below, a tmpfs above. The tmpfs lives in this mount namespace only, so the
# kernel removes everything the lab wrote when its last process is gone, whatever became of the caller.

# shellcheck disable=SC2154 # $lab_home: of `lab`
boot_host() { # NAME BASE
  local name=$1 base=$2 mem=$lab_home/labs/$1/mem code
  mount --make-rprivate /
  mount -t tmpfs -o mode=755,size=75% lab "$mem"
  mkdir "$mem"/{upper,work,root,home,containers}
  mount -t overlay lab -o "lowerdir=$base,upperdir=$mem/upper,workdir=$mem/work" "$mem/root"
  # podman's overlay driver does not stand on an overlay: its storage is on the plain tmpfs
  cp -a "$base/home/." "$mem/home"
  umount -R /sys/fs/cgroup
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
  # nspawn's own traces stay in this namespace
  mkdir -p /run/systemd
  mount -t tmpfs lab /run/systemd
  ip link set lo up
  while true; do
    code=0
    SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 SYSTEMD_SECCOMP=0 SYSTEMD_NSPAWN_API_VFS_WRITABLE=1 \
      systemd-nspawn --quiet --register=no --keep-unit --capability=all --private-users=no --resolv-conf=off \
      --timezone=off --bind=/dev/net/tun --bind=/dev/fuse --bind="$mem/home:/home" \
      --bind="$mem/containers:/var/lib/containers" --console=pipe --machine="lab-$name" --directory="$mem/root" \
      --boot || code=$?
    # 133: the host asked to be rebooted
    [[ $code == 133 || -e $lab_home/labs/$name/again ]] || return "$code"
    rm -f "$lab_home/labs/$name/again"
  done
}
