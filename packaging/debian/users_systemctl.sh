# shellcheck shell=sh
# users_systemctl ARGUMENT…: asks the manager of each user who has one. deb-systemd-invoke --user is not up to it in every
# release: bookworm's reloads the system's manager instead, starts what did not run, and gives up at the first that fails.
users_systemctl() {
    systemctl list-units --plain --no-legend --state=active 'user@*.service' | while read -r unit _; do
        uid=${unit#user@}
        uid=${uid%.service}
        gid=$(id -g "$uid" 2>/dev/null) || continue
        timeout 60 setpriv --reuid="$uid" --regid="$gid" --init-groups env -i PATH=/usr/bin:/bin XDG_RUNTIME_DIR="/run/user/$uid" \
            systemctl --user --quiet "$@" </dev/null || echo "podreeve: of user $uid: systemctl --user $* failed" >&2
    done
}
