"""A careless hand among the manifests: what runs runs on, and what is wrong is told.

Other mistakes of the kind are rows of their own elsewhere: a directory that is moved away, that may not be searched, that an
empty file system hides, all files deleted at once, one replaced by unlink and create (trust_files); names that are no text
(trust).
"""

import time

from lib.mistakes import Mistake, all_of, root

HELD = {name: ("RemovalHeld",) for name in ("db", "web", "solo")}
BACKUPS = '"web copy.yaml" web.yaml.bak web.yaml~ "#web.yaml#" .web.yaml.swp'
AWAY = "mv $M $M.away"
BACK = "rm -rf $M; mv $M.away $M"
KEPT = "cp -p $M/web.yaml ~/web.kept; "
RESTORED = "rm -rf $M/web.yaml; cp -p ~/web.kept $M/.web.swp; mv $M/.web.swp $M/web.yaml"


def everybody_up(lab):
    lab.wait_until(lambda: lab.is_up("web", "solo") and not lab.condition("web", "Manifest"), 30, "all is well meanwhile")


def instalments(lab):
    """As rsync --delete of a source that shrinks while it is read: the first two are believed."""
    for name in ("db", "web", "solo", "idle"):
        lab.remove_manifest(f"{name}.yaml")
        time.sleep(4)


CHECKED_OUT_BACK = "cd ~/kept; for one in *; do head -c 40 $one > $M/$one; cat $one > $M/$one; done"


DIRECTORY = [
    Mistake("it belongs to root, and nobody else may enter", root("chown root $M; chmod 700 $M"), HELD,
            root("chown app $M; chmod 755 $M")),
    Mistake("everybody may write into it", "chmod 777 $M", {"": ("chmod",)}, "chmod 755 $M"),
    Mistake("the directory above it may not be searched", "chmod 600 ~/.config/podreeve", HELD, "chmod 755 ~/.config/podreeve"),
    Mistake("it is a file", f"{AWAY}; echo > $M", HELD, BACK),
    Mistake("it is a link that leads nowhere", f"{AWAY}; ln -s $M.nowhere $M", HELD, BACK),
    Mistake("it is a link to a copy of it", f"cp -a $M $M.copy; {AWAY}; ln -s $M.copy $M", mend=f"{BACK}; rm -rf $M.copy",
            during=everybody_up),
    Mistake("a checkout of a branch that has no manifests, and back", "cd $M; for one in *; do rm $one; done", HELD,
            CHECKED_OUT_BACK),
    Mistake("emptied file by file, as a sync of a source that shrinks", instalments,
            {"idle": ("RemovalHeld",), "solo": ("RemovalHeld",)}, "cp -p ~/kept/*.yaml $M/",
            anew=("db-main", "web")),
]

FILES = [
    Mistake("it belongs to somebody else", root("chown 12345 $M/web.yaml"), {"web": ("belong", "owned by", "owner")},
            root("chown app $M/web.yaml")),
    Mistake("others may write to it", "chmod 666 $M/web.yaml", {"web": ("chmod o-w",)}, "chmod 644 $M/web.yaml"),
    Mistake("nobody may read it", "chmod 000 $M/web.yaml", {"web": ("ermission denied",)}, "chmod 644 $M/web.yaml"),
    Mistake("copied as far as the middle of a word", f"{KEPT} sed '/command/q' ~/web.kept | head -c -20 > $M/web.yaml",
            {"web": ("ManifestError",)}, RESTORED),
    Mistake("copied as far as makes another image of it", f"{KEPT} sed '/image/q' ~/web.kept | head -c -12 > $M/web.yaml",
            {"web": ("DeployFailed",)}, RESTORED),
    Mistake("it is empty", f"{KEPT} : > $M/web.yaml", {"web": ("ManifestError",)}, RESTORED),
    Mistake("all of it is commented out", f"{KEPT} sed -i 's/^/# /' $M/web.yaml", {"web": ("ManifestError",)}, RESTORED),
    Mistake("line ends of Windows", "sed -i 's/$/\\r/' $M/web.yaml $M/db.yaml", during=everybody_up,
            mend="sed -i 's/\\r$//' $M/web.yaml $M/db.yaml"),
    Mistake("a byte order mark", f"{KEPT} (printf '\\357\\273\\277'; cat ~/web.kept) > $M/web.yaml", mend=RESTORED,
            during=everybody_up),
    Mistake("it is a FIFO", f"{KEPT} rm $M/web.yaml; mkfifo $M/web.yaml", {"web": ("regular file",)}, RESTORED),
    Mistake("it is a device", root("cp -p $M/web.yaml ~app/web.kept; rm $M/web.yaml; mknod $M/web.yaml c 1 5"),
            {"web": ("regular file",)}, RESTORED),
    Mistake("it is a directory", f"{KEPT} rm $M/web.yaml; mkdir $M/web.yaml", {"web": ("regular file", "directory")}, RESTORED),
    Mistake("it is a link to itself", f"{KEPT} rm $M/web.yaml; ln -s web.yaml $M/web.yaml", {"web": ("symbolic links",)}, RESTORED),
    Mistake("it is huge", f"{KEPT} truncate -s 3G $M/web.yaml", {"web": ("larger than",)}, RESTORED),
    Mistake("an editor that writes beside it, twenty times",
            "cd $M; for i in $(seq 20); do touch 4913; rm 4913; mv web.yaml web.yaml~; cat web.yaml~ > web.yaml; "
            "rm web.yaml~; done",
            during=everybody_up),
    Mistake("copies and backups beside it", f'cd $M; for name in {BACKUPS}; do cp web.yaml "$name"; done', mend=f"cd $M; rm {BACKUPS}"),
    Mistake("a second file of the same app", "cp $M/web.yaml $M/web-copy.yaml", {"": ("web-copy.yaml",)}, "rm $M/web-copy.yaml"),
    Mistake("the file of a pod has another name", "mv $M/db.yaml $M/database.yaml", mend="mv $M/database.yaml $M/db.yaml", anew=("db-main",),
            during=lambda lab: lab.wait_until(lambda: lab.is_up("database"), 40, "it is up under its new name")),
    Mistake("two files are swapped", "cd $M; mv db.yaml t; mv solo.yaml db.yaml; mv t solo.yaml",
            mend="cd $M; mv db.yaml t; mv solo.yaml db.yaml; mv t solo.yaml", anew=("db-main", "solo-main"),
            during=lambda lab: lab.wait_until(lambda: lab.is_up("db", "solo"), 60, "both are up under their new names")),
    Mistake("its drop-ins may not be read", "mkdir -m 000 $M/web.yaml.d", {"web": ("ermission denied",)}, "rmdir $M/web.yaml.d"),
]


def case_mistakes_with_the_directory_of_the_manifests(lab):
    """Renamed, hidden, closed, emptied: held, and as before when it is back."""
    return all_of(lab, DIRECTORY)


def case_mistakes_with_the_file_of_an_app(lab):
    """Unreadable, cut, emptied, no file at all, under another name: its last good version runs on, and its file is told."""
    return all_of(lab, FILES)
