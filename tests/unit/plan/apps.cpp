#include "tests/unit/plan/apps.h"

#include <stdexcept>

namespace podreeve::plan::test {
namespace {

using namespace manifests;

constexpr const char* kNet = "podman-default-kube-network";

ContainerSpec container(const std::string& part, const std::string& name, const std::string& pod) {
    ContainerSpec spec;
    spec.part = part;
    spec.name = name;
    spec.pod = pod;
    spec.image = "localhost/busybox:latest";
    spec.command = {"sleep", "1000"};
    spec.command_set = true;
    return spec;
}

PodSpec pod(const std::string& name) {
    PodSpec spec;
    spec.part = name;
    spec.name = name;
    spec.networks = {kNet};
    return spec;
}

VolumeSpec volume(const std::string& name, VolumeOrigin origin) {
    VolumeSpec spec;
    spec.part = "volume/" + name;
    spec.name = name;
    spec.origin = origin;
    if (origin == VolumeOrigin::ConfigMap || origin == VolumeOrigin::Secret) {
        spec.files = {{"index.html", "hello", 0644}};
    }
    return spec;
}

Mount mount(const std::string& volume, const std::string& target) {
    Mount spec;
    spec.source = volume;
    spec.target = target;
    return spec;
}

AppSpec app(const std::string& name, Dialect dialect) {
    AppSpec spec;
    spec.name = name;
    spec.dialect = dialect;
    spec.file = "/etc/podreeve/apps/" + name + ".yaml";
    return spec;
}

AppSpec clock() {
    AppSpec spec = app("clock", Dialect::App);
    spec.containers = {container("clock", "clock", "")};
    spec.containers[0].ports = {{"127.0.0.1", 8090, 80, "tcp"}};
    return spec;
}

AppSpec duo() {
    AppSpec spec = app("duo", Dialect::App);
    spec.networks = {{"network", "duo-net", true}};
    spec.volumes = {volume("duo-data", VolumeOrigin::Plain)};
    spec.containers = {container("one", "duo-one", ""), container("two", "duo-two", "")};
    spec.containers[0].networks = {"duo-net"};
    spec.containers[1].networks = {"duo-net"};
    spec.containers[1].mounts = {mount("duo-data", "/data")};
    spec.containers[1].image = "localhost/two:1";
    spec.containers[1].stop_grace = std::chrono::seconds(30);
    return spec;
}

AppSpec greeter() {
    AppSpec spec = app("greeter", Dialect::Kube);
    spec.networks = {{"network", kNet, true}};
    spec.volumes = {volume("greeter-www", VolumeOrigin::EmptyDir)};
    spec.pods = {pod("greeter-pod")};
    spec.pods[0].ports = {{"", 8081, 80, "tcp"}};
    spec.containers = {container("greeter-pod/write-page", "greeter-pod-write-page", "greeter-pod"),
                       container("greeter-pod/web", "greeter-pod-web", "greeter-pod")};
    spec.containers[0].role = ContainerRole::Init;
    spec.containers[0].mounts = {mount("greeter-www", "/www")};
    spec.containers[1].mounts = {mount("greeter-www", "/www")};
    return spec;
}

AppSpec shop() {
    AppSpec spec = app("shop", Dialect::Kube);
    spec.networks = {{"network", kNet, true}};
    spec.volumes = {volume("shop-data", VolumeOrigin::Claim),
                    volume("shop-pages", VolumeOrigin::ConfigMap),
                    volume("shop-keys", VolumeOrigin::Secret)};
    spec.secrets = {{"secret/shop-password", "shop-password", "hunter2", {}}};
    spec.pods = {pod("web"), pod("db")};
    spec.pods[0].ports = {{"", 8080, 80, "tcp"}};
    spec.containers = {container("web/web", "web-web", "web"),
                       container("web/side", "web-side", "web"), container("db/db", "db-db", "db")};
    spec.containers[0].mounts = {mount("shop-pages", "/www")};
    spec.containers[2].mounts = {mount("shop-data", "/data"), mount("shop-keys", "/keys")};
    spec.containers[2].image = "localhost/db:1";
    return spec;
}

AppSpec batch() {
    AppSpec spec = app("batch", Dialect::Kube);
    spec.pods = {pod("batch")};
    spec.pods[0].networks.clear();
    spec.containers = {container("batch/work", "batch-work", "batch"),
                       container("batch/retry", "batch-retry", "batch")};
    spec.containers[0].restart = RestartPolicy::Never;
    spec.containers[1].restart = RestartPolicy::OnFailure;
    return spec;
}

}  // namespace

AppSpec sample(const std::string& name) {
    if (name == "clock") {
        return clock();
    }
    if (name == "duo") {
        return duo();
    }
    if (name == "greeter") {
        return greeter();
    }
    if (name == "shop") {
        return shop();
    }
    if (name == "batch") {
        return batch();
    }
    throw std::invalid_argument("no such sample: " + name);
}

std::vector<std::string> sample_names() {
    return {"batch", "clock", "duo", "greeter", "shop"};
}

Desired desire(const std::vector<AppSpec>& apps) {
    Desired desired;
    for (const AppSpec& app : apps) {
        desired.apps[app.name] = std::make_shared<const AppSpec>(app);
    }
    return desired;
}

}  // namespace podreeve::plan::test
