"""An edited manifest reaches exactly the part that changed."""

from lib import manifests


def shop_is_up(lab, **options):
    lab.image("localhost/web:2", "ENV VERSION=2")
    lab.put_manifest("shop.yaml", manifests.shop(**options))
    lab.wait_until(lambda: lab.is_up("shop"), 60, "shop is up")
    lab.settle()
    return lab.ids()


def changed(before, after):
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def edited(lab, before, condition, what, **options):
    """Drops the edited manifest in and returns the names of the containers that were made anew."""
    lab.put_manifest("shop.yaml", manifests.shop(**options))
    _, took = lab.wait_until(condition, 60, what)
    lab.wait_until(lambda: lab.is_up("shop"), 60, "shop is up again")
    lab.settle()
    return changed(before, lab.ids()), f"rolled out after {took:.2f} s"


def case_an_edited_env_replaces_one_container(lab):
    """The other containers of the same pod keep their ids."""
    before = shop_is_up(lab)
    new, note = edited(lab, before, lambda: "COLOR=blue" in lab.podman("exec", "shop-web-side", "env"),
                       "the new env is there", color="blue")
    assert new == {"shop-web-side"}, new
    return note


def case_an_edited_image_replaces_one_container(lab):
    """The pod and the other containers keep their ids."""
    before = shop_is_up(lab)
    new, note = edited(lab, before, lambda: lab.containers()["shop-web-httpd"]["Image"] == "localhost/web:2",
                       "the new image runs", web_image="localhost/web:2")
    assert new == {"shop-web-httpd"}, new
    return note


def case_an_edited_port_replaces_one_pod(lab):
    """Ports belong to the pod: that pod is made anew, the other one is not touched."""
    before = shop_is_up(lab)
    new, note = edited(lab, before, lambda: lab.curl("http://localhost:8081/index.html", check=False).strip() == "hello",
                       "the new port answers", port=8081)
    assert new == {"shop-web-httpd", "shop-web-side"}, new
    assert lab.curl("http://localhost:8080/index.html", check=False) == "", "the old port still answers"
    return note


def case_an_edited_configmap_replaces_its_users(lab):
    """Only the container that mounts it is made anew, and it serves the new page."""
    before = shop_is_up(lab)
    new, note = edited(lab, before, lambda: lab.curl("http://localhost:8080/index.html", check=False).strip() == "bye",
                       "the new page is served", page="bye")
    assert new == {"shop-web-httpd"}, new
    return note


def case_an_edited_secret_replaces_its_users(lab):
    """Only the container that reads it is made anew."""
    before = shop_is_up(lab)
    new, note = edited(lab, before,
                       lambda: lab.podman("exec", "shop-db-db", "cat", "/data/password") == "n3w-Pa55",
                       "the new password is there", password="n3w-Pa55")
    assert new == {"shop-db-db"}, new
    return note


def case_an_edited_comment_changes_nothing(lab):
    """Nor do reordered keys."""
    before = shop_is_up(lab)
    text = manifests.shop().replace("apiVersion: v1\nkind: Pod\n", "# a comment\nkind: Pod\napiVersion: v1\n")
    lab.put_manifest("shop.yaml", text)
    lab.podreeve("reconcile")
    lab.settle()
    assert lab.ids() == before
    assert lab.app("shop")["generation"] == 1, lab.app("shop")


def case_the_plan_is_shown_before_it_is_carried_out(lab):
    """diff names what an edit would change and exits with 2; once it is done, diff is empty and exits with 0."""
    before = shop_is_up(lab)
    # an image that is not there yet holds the edit back, so that the plan can be looked at
    lab.put_manifest("shop.yaml", manifests.shop(web_image="localhost/late:1"))
    lab.wait_until(lambda: lab.condition("shop", "localhost/late:1") and not lab.app("shop").get("change"), 60,
                   "the edit waits for its image")
    shown = lab.run("podreeve", "diff", check=False)
    assert shown.returncode == 2, shown
    assert "shop-web-httpd" in shown.stdout and "shop-db-db" not in shown.stdout, shown.stdout
    assert lab.ids() == before
    lab.image("localhost/late:1")
    lab.podreeve("reconcile", codes=(0, 1))  # not whenever the backoff is over
    lab.wait_until(lambda: lab.containers()["shop-web-httpd"]["Image"] == "localhost/late:1", 30, "the edit is rolled out")
    lab.settle()
    assert changed(before, lab.ids()) == {"shop-web-httpd"}
    assert lab.run("podreeve", "diff").returncode == 0
    assert any(change["app"] == "shop" for change in lab.podreeve("changes")["changes"])


def case_a_single_container_is_replaced(lab):
    """The app dialect, too: a new env is a new container of the same name."""
    lab.put_manifest("beat.yaml", manifests.single())
    lab.wait_until(lambda: lab.is_up("beat"), 30, "beat is up")
    lab.settle()
    before = lab.ids()
    lab.put_manifest("beat.yaml", manifests.single(environment=("BEAT=2",)))
    lab.wait_until(lambda: lab.is_up("beat") and changed(before, lab.ids()), 30, "beat is replaced")
    lab.settle()
    assert set(lab.ids()) == set(before)
    assert lab.app("beat")["generation"] == 2


def case_a_pull_from_a_registry(lab):
    """An image that is not here is pulled; one that does not exist is a condition until it does."""
    registry = lab.registry()
    lab.image(f"{registry}/web:1")
    lab.podman("push", "-q", f"{registry}/web:1")
    lab.podman("rmi", f"{registry}/web:1")
    lab.put_manifest("web.yaml", manifests.pod("web", image=f"{registry}/web:1"))
    lab.put_manifest("lost.yaml", manifests.pod("lost", image=f"{registry}/lost:1"))
    lab.wait_until(lambda: lab.is_up("web"), 60, "the pulled app is up")
    lab.wait_until(lambda: lab.condition("lost", "lost:1"), 60, "the other one names the image")
    lab.image(f"{registry}/lost:1")
    lab.podman("push", "-q", f"{registry}/lost:1")
    lab.podman("rmi", f"{registry}/lost:1")
    _, took = lab.wait_until(lambda: lab.is_up("lost"), 120, "it comes up when the image exists")
    return f"up {took:.0f} s after its image appeared"
