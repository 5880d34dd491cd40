#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "runtime/base/digest.h"
#include "tests/fakes/fake_podman/routes.h"

namespace podreeve::fakes {
namespace {

constexpr const char* kKubeNetwork = "podman-default-kube-network";

// One pod of a played document, as kube play would make it of the few fields it is asked about
// here.
struct PlayedPod {
    std::string name;
    std::map<std::string, std::string> labels;
    std::vector<YAML::Node> containers, init_containers;
    bool host_network = false;
};

std::vector<std::string> list_of(const YAML::Node& node) {
    return node ? node.as<std::vector<std::string>>() : std::vector<std::string>();
}

PlayedPod played_pod(const std::string& name, const YAML::Node& metadata, const YAML::Node& spec) {
    PlayedPod pod;
    pod.name = name;
    if (metadata && metadata["labels"]) {
        pod.labels = metadata["labels"].as<std::map<std::string, std::string>>();
    }
    pod.host_network = spec["hostNetwork"] && spec["hostNetwork"].as<bool>();
    for (const auto& node : spec["containers"]) {
        pod.containers.push_back(node);
    }
    for (const auto& node : spec["initContainers"]) {
        pod.init_containers.push_back(node);
    }
    return pod;
}

std::vector<PlayedPod> pods_of(const std::string& yaml) {
    std::vector<PlayedPod> pods;
    for (const YAML::Node& document : YAML::LoadAll(yaml)) {
        const std::string kind = document["kind"] ? document["kind"].as<std::string>() : "";
        const std::string name =
            document["metadata"] ? document["metadata"]["name"].as<std::string>() : "";
        if (kind == "Pod") {
            pods.push_back(played_pod(name, document["metadata"], document["spec"]));
        } else if (kind == "Deployment") {
            const YAML::Node pod = document["spec"]["template"];
            pods.push_back(played_pod(name + "-pod", pod["metadata"], pod["spec"]));
        }
    }
    return pods;
}

json container_spec(const PlayedPod& pod, const YAML::Node& node, const char* init_type) {
    json spec = {{"name", pod.name + "-" + node["name"].as<std::string>()},
                 {"pod", pod.name},
                 {"image", node["image"].as<std::string>()},
                 {"labels", pod.labels},
                 {"restart_policy", "always"}};
    // kube play puts both of Kubernetes' words into podman's entrypoint and command.
    if (const auto command = list_of(node["command"]); !command.empty()) {
        spec["entrypoint"] = command;
    }
    if (const auto args = list_of(node["args"]); !args.empty()) {
        spec["command"] = args;
    }
    if (*init_type != '\0') {
        spec["init_container_type"] = init_type;
    }
    return spec;
}

Answer failed(const std::string& context, const Answer& inner) {
    return error(500, inner.body["cause"], context + inner.body["message"].get<std::string>());
}

struct Play {
    Routed& routed;
    bool start = true;
    std::string service_id;

    // Fills one entry of the report. What was made before a failure stays.
    std::optional<Answer> play(const PlayedPod& pod, ordered_json& entry) {
        Engine& engine = routed.engine;
        json spec = {{"name", pod.name},
                     {"labels", pod.labels},
                     {"exit_policy", "stop"},
                     {"restart_policy", "always"}};
        if (pod.host_network) {
            spec["netns"] = {{"nsmode", "host"}};
        } else {
            spec["Networks"] = {{kKubeNetwork, json::object()}};
        }
        if (!service_id.empty()) {
            spec["serviceContainerID"] = service_id;
        }
        const Answer made = engine.create_pod(spec);
        if (made.status != 201) {
            return failed("playing YAML file: ", made);
        }
        const std::string id = made.body["Id"];
        ordered_json ids = ordered_json::array(), init_ids = nullptr;
        for (const YAML::Node& node : pod.init_containers) {
            const Answer init = engine.create_container(container_spec(pod, node, "once"));
            if (init.status != 201) {
                return failed("playing YAML file: ", init);
            }
            init_ids.push_back(init.body["Id"]);
        }
        for (const YAML::Node& node : pod.containers) {
            const Answer one = engine.create_container(container_spec(pod, node, ""));
            if (one.status != 201) {
                return failed("playing YAML file: ", one);
            }
            ids.push_back(one.body["Id"]);
        }
        ordered_json errors = nullptr;
        if (start) {
            const Answer started = engine.start_pod(engine.pods.at(id), pod.name);
            if (started.status == 500) {
                return failed("playing YAML file: ", started);
            }
            errors = started.has_body ? started.body["Errs"] : errors;
        }
        entry = {{"ID", id},
                 {"Containers", ids},
                 {"InitContainers", init_ids},
                 {"Logs", nullptr},
                 {"ContainerErrors", errors}};
        return std::nullopt;
    }
};

ordered_json report_of(const ordered_json& pods, const std::string& service_id) {
    return {{"Pods", pods},
            {"Volumes", nullptr},
            {"StopReport", nullptr},
            {"RmReport", nullptr},
            {"VolumeRmReport", nullptr},
            {"SecretRmReport", nullptr},
            {"Secrets", nullptr},
            {"ServiceContainerID", service_id},
            {"ExitCode", nullptr}};
}

bool any_container(const ordered_json& entries) {
    return std::any_of(entries.begin(), entries.end(),
                       [](const ordered_json& entry) { return !entry["Containers"].empty(); });
}

void ensure_network(Engine& engine) {
    if (!engine.networks.contains(kKubeNetwork)) {
        Network network;
        network.name = kKubeNetwork;
        network.id = engine.new_id("network");
        network.dns_enabled = true;
        network.created = engine.clock.system_now();
        network.subnet = 90;
        engine.networks.emplace(network.name, network);
    }
}

Answer play(Routed& routed, const std::vector<PlayedPod>& pods) {
    Engine& engine = routed.engine;
    Play playing{routed, routed.request.flag("start", true), ""};
    ensure_network(engine);
    // Before 4.5 the parameter is not known, and what is not known is dropped.
    if (routed.request.flag("serviceContainer") && engine.version >= podman::Version{4, 5, 0}) {
        const Answer service = engine.make_service_container(routed.request.body);
        if (service.status != 201) {
            return failed("playing YAML file: creating service container: ", service);
        }
        playing.service_id = service.body["Id"];
    }
    ordered_json entries = ordered_json::array();
    for (const PlayedPod& pod : pods) {
        ordered_json entry;
        if (auto problem = playing.play(pod, entry)) {
            return *problem;
        }
        entries.push_back(entry);
    }
    if (!any_container(entries) && !playing.service_id.empty() &&
        engine.version < podman::Version{5, 5, 0}) {
        // Nothing was started, so play stops the service container again, and forgets to tell its
        // id.
        engine.exited(engine.containers.at(playing.service_id), 137);
        playing.service_id.clear();
    }
    return ok(report_of(entries, playing.service_id));
}

Answer down(Engine& engine, const std::vector<PlayedPod>& pods) {
    ordered_json stopped = ordered_json::array(), removed = ordered_json::array();
    for (const PlayedPod& pod : pods) {
        if (Pod* found = engine.pod(pod.name)) {
            Answer stop = engine.stop_pod(*found, pod.name, 0);
            stopped.push_back(
                stop.has_body
                    ? stop.body
                    : ordered_json{{"Errs", nullptr}, {"Id", found->id}, {"RawInput", pod.name}});
            removed.push_back(engine.remove_pod(pod.name, true).body);
        }
    }
    ordered_json report = report_of(nullptr, "");
    report["StopReport"] = stopped;
    report["RmReport"] = removed;
    report["SecretRmReport"] = ordered_json::array();
    return ok(report);
}

// From 5.3 on the type must be one of a list, to the letter.
bool takes_content(const Routed& routed) {
    static const std::set<std::string> kKnown{"",
                                              "text/plain",
                                              "application/json",
                                              "application/yaml",
                                              "application/x-yaml",
                                              "application/text",
                                              "application/x-tar"};
    const auto type = routed.request.headers.find("content-type");
    return routed.engine.version < podman::Version{5, 3, 0} ||
           type == routed.request.headers.end() || kKnown.contains(type->second);
}

Answer unsupported_content(const HttpRequest& request) {
    const std::string message =
        fmt::format("Content-Type: {} is not supported. Should be \"application/x-tar\"",
                    request.headers.at("content-type"));
    return error(500, message, message);
}

}  // namespace

std::optional<Answer> route_kube(Routed& routed) {
    try {
        if (!takes_content(routed)) {
            return unsupported_content(routed.request);
        }
        const std::vector<PlayedPod> pods = pods_of(routed.request.body);
        if (routed.is("DELETE")) {
            return down(routed.engine, pods);
        }
        if (pods.empty()) {
            const char* cause = "YAML document does not contain any supported kube kind";
            return error(500, cause, std::string("playing YAML file: ") + cause);
        }
        return play(routed, pods);
    } catch (const YAML::Exception& problem) {
        const std::string cause = std::string("unable to read YAML: ") + problem.what();
        return error(500, cause, "playing YAML file: " + cause);
    }
}

}  // namespace podreeve::fakes
