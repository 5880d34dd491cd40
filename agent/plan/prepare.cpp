#include "agent/plan/prepare.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "agent/plan/kept_volumes.h"
#include "agent/plan/labels.h"
#include "agent/plan/replaced_objects.h"
#include "agent/plan/steps.h"
#include "agent/plan/volume_roles.h"

namespace podreeve::plan {
namespace {

using manifests::ContainerSpec;
using manifests::MountKind;
using manifests::PodSpec;
using manifests::Port;
using manifests::PullPolicy;
using manifests::VolumeOrigin;
using manifests::VolumeSpec;

std::string port_text(const Port& port) {
    const std::string address = port.host_ip.empty() ? "" : port.host_ip + ":";
    return fmt::format("{}{}/{}", address, port.host_port, port.protocol);
}

void take_ports(std::set<std::string>& held, std::string_view text) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(' '), text.size());
        held.emplace(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

// The ports that objects of the app hold now, which paused ones do too: nobody else can, so there
// is nothing to ask.
std::set<std::string> ports_held(const AppCase& app) {
    std::set<std::string> held;
    for (const podman::PodSummary* pod : app.held.pods) {
        const podman::ContainerSummary* infra = app.all.container_by_id(pod->infra_id);
        if (infra != nullptr && is_up(*infra)) {
            take_ports(held, label(pod->labels, kPorts));
        }
    }
    for (const podman::ContainerSummary* container : app.held.containers) {
        if (is_up(*container)) {
            take_ports(held, label(container->labels, kPorts));
        }
    }
    return held;
}

void add_ports(nlohmann::json& rows,
               const std::vector<Port>& ports,
               const std::string& part,
               const std::set<std::string>& held) {
    for (const Port& port : ports) {
        if (port.host_port != 0 && !held.contains(port_text(port))) {
            rows.push_back({{"host_ip", port.host_ip},
                            {"host_port", port.host_port},
                            {"protocol", port.protocol},
                            {"part", part}});
        }
    }
}

// What somebody's data may be in is not taken away again by an undo.
std::string inverse_of(VolumeOrigin origin) {
    return holds_data(volume_role(origin)) ? "" : "remove the volume";
}

PullPolicy stronger(PullPolicy a, PullPolicy b) {
    if (a == PullPolicy::Always || b == PullPolicy::Always) {
        return PullPolicy::Always;
    }
    return a == PullPolicy::IfNotPresent ? a : b;
}

std::string_view word_of(PullPolicy policy) {
    switch (policy) {
        case PullPolicy::Always:
            return "Always";
        case PullPolicy::IfNotPresent:
            return "IfNotPresent";
        case PullPolicy::Never:
            return "Never";
    }
    return "IfNotPresent";
}

std::string pull_reason(PullPolicy policy, bool known) {
    if (policy == PullPolicy::Always) {
        return "its pull policy is Always";
    }
    return known ? "not here" : "perhaps not here";
}

}  // namespace

nlohmann::json labels_of(const AppCase& app,
                         const std::string& part,
                         std::string_view role,
                         std::string_view hash) {
    return {{observe::kLabelApp, app.spec.name},
            {observe::kLabelPart, part},
            {observe::kLabelRole, role},
            {observe::kLabelSpec, hash},
            {observe::kLabelGeneration, std::to_string(app.generation)},
            {observe::kLabelOwner, app.policy.owner}};
}

nlohmann::json labels_of(const AppCase& app, const PodSpec& pod, std::string_view hash) {
    nlohmann::json labels = labels_of(app, pod.part, kRolePod, hash);
    labels[kLabelOrder] = std::to_string(&pod - app.spec.pods.data());
    if (const std::string ports = ports_text(pod.ports); !ports.empty()) {
        labels[kLabelPorts] = ports;
    }
    return labels;
}

nlohmann::json labels_of(const AppCase& app,
                         const ContainerSpec& container,
                         std::string_view hash) {
    const bool init = container.role == manifests::ContainerRole::Init;
    nlohmann::json labels = labels_of(app, container.part, init ? "init" : "workload", hash);
    if (!container.pod.empty()) {
        return labels;
    }
    const auto place =
        &container - app.spec.containers.data() + static_cast<std::ptrdiff_t>(app.spec.pods.size());
    labels[kLabelOrder] = std::to_string(place);
    if (const std::string ports = ports_text(container.ports); !ports.empty()) {
        labels[kLabelPorts] = ports;
    }
    return labels;
}

std::string ports_text(const std::vector<Port>& ports) {
    std::set<std::string> texts;
    for (const Port& port : ports) {
        if (port.host_port != 0) {
            texts.insert(port_text(port));
        }
    }
    return fmt::format("{}", fmt::join(texts, " "));
}

std::string_view to_string(VolumeOrigin origin) {
    // The role without its "volume-".
    return volume_role(origin).substr(std::string_view("volume-").size());
}

Preparation::Preparation(const AppCase& app,
                         const AppDecision& decision,
                         StepGraph& graph,
                         bool whole)
    : app_(app), graph_(graph), whole_(whole) {
    collect(decision);
    check_ports();
    pull_images();
    make_networks();
    make_volumes();
    make_secrets();
    gate_ = graph_.ends();
}

void Preparation::collect(const AppDecision& decision) {
    const auto take = [this](const ContainerDecision& container) {
        if (container.makes()) {
            containers_.push_back(container.spec);
        }
    };
    for (const PodDecision& pod : decision.pods) {
        if (pod.makes()) {
            pods_.push_back(pod.spec);
        }
        std::for_each(pod.members.begin(), pod.members.end(), take);
    }
    std::for_each(decision.alone.begin(), decision.alone.end(), take);
}

// Not for a repair: the ports were the app's own a moment ago, and podman says it if they are not.
void Preparation::check_ports() {
    if (!whole_) {
        return;
    }
    const std::set<std::string> held = ports_held(app_);
    nlohmann::json rows = nlohmann::json::array();
    for (const PodSpec* pod : pods_) {
        add_ports(rows, pod->ports, pod->part, held);
    }
    for (const ContainerSpec* container : containers_) {
        add_ports(rows, container->ports, container->part, held);
    }
    if (!rows.empty()) {
        first_ = {graph_.add(
            {StepKind::CheckPorts, "", app_.spec.name, "", "host ports will be asked for"},
            {{"ports", std::move(rows)}}, {})};
    }
}

void Preparation::pull_images() {
    std::map<std::string, PullPolicy> wanted;
    for (const ContainerSpec* container : containers_) {
        const auto [it, fresh] = wanted.emplace(container->image, container->pull);
        if (!fresh) {
            it->second = stronger(it->second, container->pull);
        }
    }
    for (const auto& [image, policy] : wanted) {
        bool known = false;
        if (app_.observed.resources) {
            const auto it = app_.observed.resources->images.find(image);
            known = it != app_.observed.resources->images.end();
            if (known && it->second && policy != PullPolicy::Always) {
                continue;
            }
        }
        // What ran comes back from the image that is here, whatever becomes of the registry.
        nlohmann::json details = {{"policy", word_of(policy)}};
        if (!whole_ && policy == PullPolicy::Always) {
            details["refresh"] = true;
        }
        pulls_[image] = graph_.add({StepKind::PullImage, "", image, "", pull_reason(policy, known)},
                                   std::move(details), first_);
    }
}

// In a deploy nothing is made before all images are here; in a repair each part goes by itself.
After Preparation::pulled() const {
    After after = first_;
    for (const auto& [image, step] : pulls_) {
        after.push_back(step);
    }
    return whole_ ? after : After{};
}

bool Preparation::is_used(const manifests::NetworkSpec& network) const {
    const auto uses = [&](const auto* part) {
        return std::find(part->networks.begin(), part->networks.end(), network.name) !=
               part->networks.end();
    };
    return whole_ || std::any_of(pods_.begin(), pods_.end(), uses) ||
           std::any_of(containers_.begin(), containers_.end(), uses);
}

bool Preparation::is_used(const VolumeSpec& volume) const {
    const auto mounts = [&](const manifests::Mount& mount) {
        return mount.kind == MountKind::Volume && mount.source == volume.name;
    };
    return whole_ ||
           std::any_of(containers_.begin(), containers_.end(), [&](const ContainerSpec* container) {
               return std::any_of(container->mounts.begin(), container->mounts.end(), mounts);
           });
}

void Preparation::make_networks() {
    const auto& resources = app_.observed.resources;
    for (const manifests::NetworkSpec& network : app_.spec.networks) {
        if (!is_used(network) || (resources && resources->networks.contains(network.name))) {
            continue;
        }
        networks_[network.name] =
            graph_.add({StepKind::EnsureNetwork, network.part, network.name, "",
                        resources ? "absent" : "perhaps absent"},
                       {{"labels", labels_of(app_, network.part, kRoleNetwork, "")}}, pulled());
    }
}

void Preparation::make_volumes() {
    for (const VolumeSpec& volume : app_.spec.volumes) {
        if (is_used(volume)) {
            make_volume(volume);
        }
    }
}

std::size_t Preparation::create_volume(const VolumeSpec& volume,
                                       const std::string& hash,
                                       const After& after) {
    nlohmann::json details{
        {"labels", labels_of(app_, volume.part, volume_role(volume.origin), hash)},
        {"origin", to_string(volume.origin)}};
    std::string reason = app_.observed.resources ? "absent" : "perhaps absent";
    if (app_.observed.resources && had_data(app_, volume)) {
        reason = "podman has it no longer: what it held is lost, and an empty one takes its place";
        details["lost"] = true;
    }
    return graph_.add(
        {StepKind::CreateVolume, volume.part, volume.name, "", reason, inverse_of(volume.origin)},
        std::move(details), after);
}

void Preparation::make_volume(const VolumeSpec& volume) {
    const auto& resources = app_.observed.resources;
    const std::string hash = manifests::spec_hash(volume);
    After after = pulled();
    if (!resources || !resources->volumes.contains(volume.name)) {
        volumes_[volume.name] = create_volume(volume, hash, after);
        after = {volumes_[volume.name]};
    }
    if (is_filled(volume_role(volume.origin))) {
        volumes_[volume.name] = graph_.add({StepKind::WriteVolumeFiles, volume.part, volume.name,
                                            "", "its files have to be as the manifest says",
                                            "write the files that were deployed before"},
                                           {{"spec", hash}}, after);
    }
}

// podman 4 drops the labels of secrets, so that a second look would take ours for somebody else's.
// Containers get values and files, never a podman secret: nothing is missing without it.
void Preparation::make_secrets() {
    const auto& resources = app_.observed.resources;
    if (!keeps_secret_labels(app_.observed) || (!whole_ && !resources)) {
        return;
    }
    for (std::size_t i = 0; i < app_.spec.secrets.size(); ++i) {
        const manifests::SecretSpec& secret = app_.spec.secrets[i];
        const std::string& hash = app_.hashes.secrets[i];
        const podman::SecretDetails* there = nullptr;
        if (resources) {
            const auto it = resources->secrets.find(secret.name);
            there = it == resources->secrets.end() ? nullptr : &it->second;
        }
        if (there != nullptr && label(there->labels, kSpec) == hash) {
            continue;
        }
        const bool replace = there != nullptr;
        graph_.add(
            {StepKind::CreateSecret, secret.part, secret.name, replace ? there->id : "",
             replace     ? "content differs"
             : resources ? "absent"
                         : "perhaps absent",
             "restore the secret that was deployed before"},
            {{"labels", labels_of(app_, secret.part, kRoleSecret, hash)}, {"replace", replace}},
            pulled());
    }
}

After Preparation::before(const PodSpec& pod) const {
    if (whole_) {
        return gate_;
    }
    After after;
    for (const std::string& network : pod.networks) {
        if (const auto it = networks_.find(network); it != networks_.end()) {
            after.push_back(it->second);
        }
    }
    for (const ContainerSpec* container : containers_) {
        if (container->pod == pod.part) {
            after = after + before(*container);
        }
    }
    return after;
}

After Preparation::before(const ContainerSpec& container) const {
    if (whole_) {
        return gate_;
    }
    After after;
    const auto take = [&after](const auto& steps, const std::string& key) {
        if (const auto it = steps.find(key); it != steps.end()) {
            after.push_back(it->second);
        }
    };
    take(pulls_, container.image);
    for (const std::string& network : container.networks) {
        take(networks_, network);
    }
    for (const manifests::Mount& mount : container.mounts) {
        if (mount.kind == MountKind::Volume) {
            take(volumes_, mount.source);
        }
    }
    return after;
}

}  // namespace podreeve::plan
