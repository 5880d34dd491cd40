"""kill -9 of the agent at random moments: the end state is always that of an unbroken run."""

import os
import random
import time

from lib import manifests

ROUNDS = 50
APPS = {"shop.yaml": manifests.shop, "solo.yaml": lambda **o: manifests.pod("solo", env=o.get("color", "red")),
        "beat.yaml": lambda **o: manifests.single(environment=(f"COLOR={o.get('color', 'red')}",))}


def put_all(lab, **options):
    for name, make in APPS.items():
        lab.put_manifest(name, make(**options))


def disturb(lab, dice, color):
    """One of the things that give the agent work to do."""
    what = dice.choice(["edit", "rm", "pod rm", "kill", "leave"])
    rested = [name for name in manifests.SHOP_CONTAINERS if time.time() - (lab.started_at(name) or time.time()) > 11]
    if what == "kill" and not rested:
        what = "edit"  # one killed within its first 10 s would rest for as long as many kills have earned it
    if what == "edit":
        put_all(lab, color=color)
    elif what == "rm":
        lab.podman("rm", "-f", "-t", "0", dice.choice(manifests.SHOP_CONTAINERS), check=False)
    elif what == "pod rm":
        lab.podman("pod", "rm", "-f", "-t", "0", dice.choice(["shop-web", "shop-db", "solo"]), check=False)
    elif what == "kill":
        lab.podman("kill", dice.choice(rested), check=False)
    else:
        lab.remove_manifest("shop.yaml")
    return what


def kill_agent(lab):
    lab.systemctl("kill", "-s", "KILL", "podreeve", check=False)


def settled(lab, expected, what):
    """Waits for the end state and returns the seconds it took. What the dice end again and again rests for up to five minutes."""
    _, took = lab.wait_until(lambda: lab.is_up("shop", "solo", "beat") and lab.is_converged(), 400, what)
    found = lab.inventory()
    assert found == expected, f"{what}: {found}\n instead of {expected}"
    return took


def case_fifty_random_kills(lab):
    """While it deploys, repairs, rolls out and removes; no object twice, none left over."""
    seed = int(os.environ.get("PODREEVE_E2E_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
    dice = random.Random(seed)
    lab.write("/home/app/.config/systemd/user/podreeve.service.d/fast.conf", "[Service]\nRestartSec=100ms\n")
    lab.systemctl("daemon-reload")
    put_all(lab)
    lab.wait_until(lambda: len(lab.apps()) == 3 and lab.is_up(), 60, "all apps are up")
    lab.settle()
    expected, longest = lab.inventory(), 0.0
    for number in range(ROUNDS):
        color = ("blue", "red")[number % 2]
        what = disturb(lab, dice, color)
        delay = dice.uniform(0, 0.8)
        time.sleep(delay)
        kill_agent(lab)
        if what == "leave":
            put_all(lab, color=color)
            if dice.random() < 0.5:
                time.sleep(dice.uniform(0, 0.8))
                kill_agent(lab)
        longest = max(longest, settled(
            lab, expected, f"settled after kill {number + 1} ('{what}', {delay:.3f} s later; PODREEVE_E2E_SEED={seed})"))
    return f"{ROUNDS} kills, settled within {longest:.1f} s each; seed {seed}"
