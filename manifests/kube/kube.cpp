#include "manifests/kube/kube.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "manifests/kube/metadata.h"
#include "manifests/kube/objects.h"
#include "manifests/kube/pod.h"
#include "manifests/names.h"
#include "runtime/base/nearest.h"

namespace podreeve::manifests::kube {
namespace {

struct KubeKind {
    std::string_view name;
    std::string_view api_version;
    bool workload;
};

constexpr KubeKind kKinds[] = {
    {"ConfigMap", "v1", false},
    {"Deployment", "apps/v1", true},
    {"PersistentVolumeClaim", "v1", false},
    {"Pod", "v1", true},
    {"Secret", "v1", false},
};
constexpr std::string_view kLaterKinds[] = {"DaemonSet", "Job",     "CronJob", "StatefulSet",
                                            "Service",   "Ingress", "List",    "ReplicaSet"};

const KubeKind* read_kind(const Place& document) {
    static const std::vector<std::string> kNames = {"ConfigMap", "Deployment",
                                                    "PersistentVolumeClaim", "Pod", "Secret"};
    const Place place = document["kind"];
    const auto name = place.required_text();
    if (!name) {
        return nullptr;
    }
    for (const KubeKind& kind : kKinds) {
        if (kind.name == *name) {
            return &kind;
        }
    }
    const bool later =
        std::find(std::begin(kLaterKinds), std::end(kLaterKinds), *name) != std::end(kLaterKinds);
    place.fail(later ? fmt::format("the kind {} is not supported yet", *name)
                     : fmt::format("there is no kind '{}'", *name),
               fmt::format("{}", fmt::join(kNames, ", ")),
               later ? "" : nearest_name(*name, kNames));
    return nullptr;
}

const KubeKind* read_type(const Place& document) {
    if (!document.is_map()) {
        document.fail("must be a map with apiVersion, kind and metadata");
        return nullptr;
    }
    const KubeKind* kind = read_kind(document);
    const Place version = document["apiVersion"];
    const auto text = version.required_text();
    if (kind != nullptr && text && *text != kind->api_version) {
        version.fail(fmt::format("'{}' is not the apiVersion of a {}", *text, kind->name),
                     std::string(kind->api_version));
    }
    return kind;
}

// What the workloads say they wait for; only when all are known is it told apart whether that is
// another app or another pod of this one.
struct PodWait {
    std::string pod;
    Dependency dependency;
    Place place;
};

// One file's workloads while they are read.
struct Workloads {
    const Objects& objects;
    AppSpec& app;
    std::vector<PodWait> waits = {};
};

void take_settings(const Settings& settings,
                   const Place& place,
                   const std::string& pod,
                   Workloads& file) {
    for (const Dependency& dependency : settings.depends_on) {
        file.waits.push_back({pod, dependency, place});
    }
    file.app.conditions.insert(file.app.conditions.end(), settings.conditions.begin(),
                               settings.conditions.end());
    file.app.autostart = file.app.autostart && settings.autostart.value_or(true);
}

void add_wait(const PodWait& wait, const Dependency& dependency, std::vector<Dependency>& out) {
    const auto same = std::find_if(out.begin(), out.end(), [&](const Dependency& other) {
        return other.app == dependency.app;
    });
    if (same == out.end()) {
        out.push_back(dependency);
    } else if (same->is != dependency.is || same->policy != dependency.policy) {
        wait.place.fail(fmt::format("waits for {} in two different ways", dependency.app));
    }
}

// A pod of this file by its name, or by that of its Deployment.
std::string pod_called(const AppSpec& app, const std::string& name) {
    for (const std::string& pod : {name, name + "-pod"}) {
        if (app.find_pod(pod) != nullptr) {
            return pod;
        }
    }
    return {};
}

void share_out(const Workloads& file) {
    for (const PodWait& wait : file.waits) {
        Dependency dependency = wait.dependency;
        const std::string provider = pod_called(file.app, dependency.app);
        if (provider.empty()) {
            add_wait(wait, dependency, file.app.depends_on);
            continue;
        }
        dependency.app = provider;
        for (PodSpec& pod : file.app.pods) {
            if (pod.part == wait.pod) {
                add_wait(wait, dependency, pod.depends_on);
            }
        }
    }
}

// Parts stand in the order in which they have to be made: a pod after those it waits for, and else
// as they are written.
void sort_pods(const Workloads& file) {
    std::vector<PodSpec> sorted;
    std::vector<PodSpec> rest = std::move(file.app.pods);
    const auto is_sorted = [&](const Dependency& on) {
        return std::any_of(sorted.begin(), sorted.end(),
                           [&](const PodSpec& pod) { return pod.part == on.app; });
    };
    while (!rest.empty()) {
        const auto next = std::find_if(rest.begin(), rest.end(), [&](const PodSpec& pod) {
            return std::all_of(pod.depends_on.begin(), pod.depends_on.end(), is_sorted);
        });
        if (next == rest.end()) {
            for (const PodWait& wait : file.waits) {
                if (wait.pod == rest.front().part) {
                    wait.place.fail(
                        fmt::format("the pod {} waits, by way of others, for itself", wait.pod));
                    break;
                }
            }
            std::move(rest.begin(), rest.end(), std::back_inserter(sorted));
            break;
        }
        sorted.push_back(std::move(*next));
        rest.erase(next);
    }
    file.app.pods = std::move(sorted);
}

void check_pod_name(const Place& name, const std::string& pod_name, const AppSpec& app) {
    if (!is_label(pod_name)) {
        name.fail(fmt::format("'{}' is too long or not fit for a host name", pod_name),
                  std::string(kLabelRule));
    }
    if (app.find_pod(pod_name) != nullptr) {
        name.fail(fmt::format("the pod {} is there twice", pod_name));
    }
}

void read_pod(const Place& document, Workloads& file) {
    if (!document.check_fields(fields::kPod)) {
        return;
    }
    const Metadata metadata = read_metadata(document["metadata"], MetadataOf::Workload);
    if (!metadata.name.empty()) {
        check_pod_name(document["metadata"]["name"], metadata.name, file.app);
    }
    take_settings(metadata.settings, document["metadata"]["annotations"], metadata.name, file);
    read_pod_spec(document["spec"], metadata.name, metadata, file.objects, file.app);
}

void check_deployment_spec(const Place& spec) {
    const Place replicas = spec["replicas"];
    const auto count = replicas.integer(0, 1'000'000);
    if (count && *count != 1) {
        replicas.fail(*count == 0 ? "0 replicas are not supported; use podreeve.io/autostart: "
                                    "\"false\" or remove the file"
                                  : "more than one replica is not supported",
                      "1");
    }
    const Place strategy = spec["strategy"];
    for (const auto& [key, value] : strategy.entries()) {
        value.fail_at_key("a strategy is not supported yet", "{}");
    }
    spec["selector"].entries();
    spec["template"].require();
}

// A Deployment's annotations count for its pod, under those of the template: kube play takes the
// first, Kubernetes the second.
Metadata merged(Metadata of_template, const Metadata& of_deployment) {
    of_template.annotations.insert(of_deployment.annotations.begin(),
                                   of_deployment.annotations.end());
    if (!of_template.settings.restart) {
        of_template.settings.restart = of_deployment.settings.restart;
    }
    if (!of_template.settings.ready_by_port) {
        of_template.settings.ready_by_port = of_deployment.settings.ready_by_port;
    }
    return of_template;
}

void read_deployment(const Place& document, Workloads& file) {
    if (!document.check_fields(fields::kDeployment)) {
        return;
    }
    const Metadata metadata = read_metadata(document["metadata"], MetadataOf::Workload);
    const std::string pod_name = metadata.name.empty() ? "" : metadata.name + "-pod";
    if (!pod_name.empty()) {
        check_pod_name(document["metadata"]["name"], pod_name, file.app);
    }
    const Place spec = document["spec"];
    if (!spec.require() || !spec.check_fields(fields::kDeploymentSpec)) {
        return;
    }
    check_deployment_spec(spec);
    const Place pod_template = spec["template"];
    if (!pod_template.check_fields(fields::kPodTemplate)) {
        return;
    }
    const Metadata of_template = read_metadata(pod_template["metadata"], MetadataOf::Template);
    take_settings(metadata.settings, document["metadata"]["annotations"], pod_name, file);
    take_settings(of_template.settings, pod_template["metadata"]["annotations"], pod_name, file);
    read_pod_spec(pod_template["spec"], pod_name, merged(of_template, metadata), file.objects,
                  file.app);
}

void read_data(const Place& document, const KubeKind& kind, Objects& objects, AppSpec& app) {
    if (kind.name == "ConfigMap") {
        read_config_map(document, objects);
    } else if (kind.name == "Secret") {
        read_secret(document, objects, app);
    } else {
        read_claim(document, objects, app);
    }
}

std::string document_path(std::size_t index, std::size_t count) {
    return count > 1 ? fmt::format("document[{}]", index) : "";
}

}  // namespace

AppSpec read_app(const std::string& name,
                 const std::vector<NodePtr>& documents,
                 std::vector<Diagnostic>& diagnostics) {
    AppSpec app;
    app.name = name;
    app.display_name = name;
    app.dialect = Dialect::Kube;
    Objects objects;
    std::vector<std::pair<Place, const KubeKind*>> workloads;
    bool all_kinds_known = true;
    for (std::size_t i = 0; i < documents.size(); ++i) {
        const Place document(*documents[i], document_path(i, documents.size()), diagnostics);
        const KubeKind* kind = read_type(document);
        all_kinds_known = all_kinds_known && kind != nullptr;
        if (kind != nullptr && kind->workload) {
            workloads.emplace_back(document, kind);
        } else if (kind != nullptr) {
            read_data(document, *kind, objects, app);
        }
    }
    Workloads file{objects, app};
    for (const auto& [document, kind] : workloads) {
        if (kind->name == "Pod") {
            read_pod(document, file);
        } else {
            read_deployment(document, file);
        }
    }
    share_out(file);
    sort_pods(file);
    if (workloads.empty() && all_kinds_known) {
        const Place first(*documents.front(), "", diagnostics);
        first.fail("there is nothing to run in this file", "a Pod or a Deployment");
    }
    return app;
}

}  // namespace podreeve::manifests::kube
