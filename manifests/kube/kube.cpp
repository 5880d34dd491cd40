#include "manifests/kube/kube.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "manifests/kube/metadata.h"
#include "manifests/kube/objects.h"
#include "manifests/kube/pod.h"
#include "manifests/names.h"

namespace podreeve::manifests::kube {
namespace {

struct Kind {
    std::string_view name;
    std::string_view api_version;
    bool workload;
};

constexpr Kind kKinds[] = {
    {"ConfigMap", "v1", false},
    {"Deployment", "apps/v1", true},
    {"PersistentVolumeClaim", "v1", false},
    {"Pod", "v1", true},
    {"Secret", "v1", false},
};
constexpr std::string_view kLaterKinds[] = {"DaemonSet", "Job",     "CronJob", "StatefulSet",
                                            "Service",   "Ingress", "List",    "ReplicaSet"};

const Kind* read_kind(const Place& document) {
    static const std::vector<std::string> kNames = {"ConfigMap", "Deployment",
                                                    "PersistentVolumeClaim", "Pod", "Secret"};
    const Place place = document["kind"];
    const auto name = place.required_text();
    if (!name) {
        return nullptr;
    }
    for (const Kind& kind : kKinds) {
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

const Kind* read_type(const Place& document) {
    if (!document.is_map()) {
        document.fail("must be a map with apiVersion, kind and metadata");
        return nullptr;
    }
    const Kind* kind = read_kind(document);
    const Place version = document["apiVersion"];
    const auto text = version.required_text();
    if (kind != nullptr && text && *text != kind->api_version) {
        version.fail(fmt::format("'{}' is not the apiVersion of a {}", *text, kind->name),
                     std::string(kind->api_version));
    }
    return kind;
}

void take_settings(const Settings& settings, const Place& place, AppSpec& app) {
    for (const Dependency& dependency : settings.depends_on) {
        const auto same =
            std::find_if(app.depends_on.begin(), app.depends_on.end(),
                         [&](const Dependency& d) { return d.app == dependency.app; });
        if (same == app.depends_on.end()) {
            app.depends_on.push_back(dependency);
        } else if (same->is != dependency.is) {
            place.fail(fmt::format("waits for {} in two different ways", dependency.app));
        }
    }
    app.autostart = app.autostart && settings.autostart.value_or(true);
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

void read_pod(const Place& document, const Objects& objects, AppSpec& app) {
    if (!document.check_fields(fields::kPod)) {
        return;
    }
    const Metadata metadata = read_metadata(document["metadata"], MetadataOf::Workload);
    if (!metadata.name.empty()) {
        check_pod_name(document["metadata"]["name"], metadata.name, app);
    }
    take_settings(metadata.settings, document["metadata"]["annotations"], app);
    read_pod_spec(document["spec"], metadata.name, metadata, objects, app);
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

void read_deployment(const Place& document, const Objects& objects, AppSpec& app) {
    if (!document.check_fields(fields::kDeployment)) {
        return;
    }
    const Metadata metadata = read_metadata(document["metadata"], MetadataOf::Workload);
    const std::string pod_name = metadata.name.empty() ? "" : metadata.name + "-pod";
    if (!pod_name.empty()) {
        check_pod_name(document["metadata"]["name"], pod_name, app);
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
    take_settings(metadata.settings, document["metadata"]["annotations"], app);
    take_settings(of_template.settings, pod_template["metadata"]["annotations"], app);
    read_pod_spec(pod_template["spec"], pod_name, merged(of_template, metadata), objects, app);
}

void read_data(const Place& document, const Kind& kind, Objects& objects, AppSpec& app) {
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
    std::vector<std::pair<Place, const Kind*>> workloads;
    bool all_kinds_known = true;
    for (std::size_t i = 0; i < documents.size(); ++i) {
        const Place document(*documents[i], document_path(i, documents.size()), diagnostics);
        const Kind* kind = read_type(document);
        all_kinds_known = all_kinds_known && kind != nullptr;
        if (kind != nullptr && kind->workload) {
            workloads.emplace_back(document, kind);
        } else if (kind != nullptr) {
            read_data(document, *kind, objects, app);
        }
    }
    for (const auto& [document, kind] : workloads) {
        if (kind->name == "Pod") {
            read_pod(document, objects, app);
        } else {
            read_deployment(document, objects, app);
        }
    }
    if (workloads.empty() && all_kinds_known) {
        const Place first(*documents.front(), "", diagnostics);
        first.fail("there is nothing to run in this file", "a Pod or a Deployment");
    }
    return app;
}

}  // namespace podreeve::manifests::kube
