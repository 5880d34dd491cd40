"""A deleted manifest takes its app along, and nothing else."""

from lib import manifests


def case_a_deleted_file_removes_everything_but_volumes(lab):
    """Containers, pods, ConfigMap and Secret objects go; the claim's volume and its data stay."""
    lab.podman("run", "-d", "--name", "foreign", "busybox", "sleep", "1000000")
    lab.podman("volume", "create", "foreign-data")
    lab.put_manifest("shop.yaml", manifests.shop())
    lab.put_manifest("beat.yaml", manifests.single())
    lab.wait_until(lambda: len(lab.apps()) == 2 and lab.is_up(), 60, "both apps are up")
    lab.settle()
    beats = {name: item["Id"] for name, item in lab.containers("label=io.podreeve.app=beat").items()}
    foreign = lab.ids()["foreign"]
    lab.remove_manifest("shop.yaml")
    _, took = lab.wait_until(lambda: set(lab.ids()) == {"foreign", *beats}, 60, "shop's containers are gone")
    lab.settle()
    assert lab.app("shop") is None
    left = lab.inventory()
    assert left["pods"] == [], left
    assert set(left["volumes"]) == {"shop-data", "foreign-data"}, left
    assert left["secrets"] == [], left
    assert lab.ids() == {"foreign": foreign, **beats}
    lab.put_manifest("shop.yaml", manifests.shop())
    lab.wait_until(lambda: lab.is_up("shop"), 60, "shop is up again")
    assert lab.podman("exec", "shop-db-db", "cat", "/data/starts").split() == ["start", "start"]
    return f"gone after {took:.2f} s"


def case_a_part_taken_out_of_a_manifest_is_removed(lab):
    """One container of a pod leaves the manifest; the pod's other container and the other pod stay."""
    lab.put_manifest("shop.yaml", manifests.shop())
    lab.wait_until(lambda: lab.is_up("shop"), 60, "shop is up")
    lab.settle()
    database = lab.ids()["shop-db-db"]
    text = manifests.shop()
    start = text.index("    - name: side")
    end = text.index("  volumes:\n    - name: pages")
    lab.put_manifest("shop.yaml", text[:start] + text[end:])
    lab.wait_until(lambda: "shop-web-side" not in lab.ids() and lab.is_up("shop"), 60, "the container is gone")
    lab.settle()
    assert lab.ids()["shop-db-db"] == database
    assert lab.curl("http://localhost:8080/index.html").strip() == "hello"


def case_a_foreign_container_in_the_way_is_a_conflict(lab):
    """It is neither touched nor taken over; the app says so, and comes up when it is gone."""
    lab.podman("run", "-d", "--name", "solo-main", "busybox", "sleep", "1000000")
    foreign = lab.ids()["solo-main"]
    lab.put_manifest("solo.yaml", manifests.pod("solo"))
    said, _ = lab.wait_until(lambda: lab.condition("solo", "Conflict"), 30, "the conflict is reported")
    assert "solo-main" in said, said
    assert lab.ids()["solo-main"] == foreign
    lab.podman("rm", "-f", "-t", "0", "solo-main")
    lab.wait_until(lambda: lab.is_up("solo"), 60, "solo is up once the name is free")


def case_an_emptied_app_directory_and_back(lab):
    """The app is removed and made anew with the same names; nothing is there twice."""
    lab.put_manifest("shop.yaml", manifests.shop())
    lab.wait_until(lambda: lab.is_up("shop"), 60, "shop is up")
    lab.settle()
    first = lab.inventory()
    lab.remove_manifest("shop.yaml")
    lab.wait_until(lambda: not lab.ids(), 60, "shop is gone")
    lab.put_manifest("shop.yaml", manifests.shop())
    lab.wait_until(lambda: lab.is_up("shop"), 60, "shop is up again")
    lab.settle()
    assert lab.inventory() == first
