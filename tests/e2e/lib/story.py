"""What a failed case left: its steps, the journal, podman's and podreeve's events in one order of time, then what stands."""

import datetime
import json
import os
import time

from lib.lab import STEPS


def from_iso(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Story:
    """Of one case; begins when it is made."""

    def __init__(self, lab, title):
        self.lab, self.title, self.began = lab, title, time.time()
        STEPS.clear()

    def journal(self):
        """Of the user's manager and what it runs, kernel and system left out."""
        done = self.lab.root("journalctl", "--no-pager", "-o", "json", f"--since=@{int(self.began)}", "_UID=1000", check=False)
        for line in done.stdout.splitlines():
            entry = json.loads(line)
            said = entry.get("MESSAGE")
            text = said if isinstance(said, str) else repr(bytes(said or []))
            yield int(entry["__REALTIME_TIMESTAMP"]) / 1e6, f"{entry.get('SYSLOG_IDENTIFIER', '?')}: {text}"

    def podman_events(self):
        done = self.lab.run("podman", "events", "--stream=false", "--since", str(int(self.began)), "--format", "json",
                            check=False)
        for line in done.stdout.splitlines():
            event = json.loads(line)
            at = event.get("timeNano", 0) / 1e9 or from_iso(event["Time"])
            yield at, f"{event.get('Type')} {event.get('Status')} {event.get('Name')}"

    def agent_events(self):
        for line in self.lab.run("podreeve", "events", "--json", check=False).stdout.splitlines():
            event = json.loads(line)
            yield from_iso(event["time"]), f"{event['app']}: {event['state']} {event['message']}"

    def lines(self):
        """(time, who, words) in order; who cannot be asked any more says so."""
        steps, found = list(STEPS), []
        sources = {"step": lambda: steps, "journal": self.journal, "podman": self.podman_events, "podreeve": self.agent_events}
        for who, ask in sources.items():
            try:
                found += [(at, who, words) for at, words in ask() if at >= self.began - 1]
            except Exception as failure:  # pylint: disable=broad-except  # what the others say is worth having
                found.append((time.time(), who, f"cannot be told: {failure!r}"))
        return sorted(found)

    def write(self, folder, trace):
        """The file's name."""
        path = os.path.join(folder, f"{self.lab.release}-{self.title}.log")
        told = "".join(f"{at - self.began:9.3f} {who:8} {words}\n" for at, who, words in self.lines())
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"{trace}\n---- what happened, in seconds since {self.title} began\n{told}\n{self.lab.report()}")
        return path
