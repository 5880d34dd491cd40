#include "agent/plan/digest.h"

#include <algorithm>
#include <charconv>

#include "agent/plan/decision.h"
#include "agent/plan/labels.h"
#include "runtime/base/digest.h"

namespace podreeve::plan {
namespace {

// Fields with their lengths, so that no two inputs are written alike.
class DigestText {
  public:
    DigestText& put(std::string_view field) {
        number(static_cast<std::int64_t>(field.size()));
        text_ += ':';
        text_ += field;
        return *this;
    }

    DigestText& put(std::int64_t value) {
        number(value);
        text_ += ';';
        return *this;
    }

    std::string digest() const { return sha256_hex(text_); }

  private:
    void number(std::int64_t value) {
        char digits[24];
        const auto end = std::to_chars(std::begin(digits), std::end(digits), value).ptr;
        text_.append(digits, end);
    }

    std::string text_;
};

void put(DigestText& text, const podman::ContainerSummary& row) {
    text.put(row.id).put(row.name).put(row.pod_id);
    text.put(static_cast<std::int64_t>(row.state)).put(row.exit_code).put(was_cut_off(row) ? 1 : 0);
    text.put(label(row.labels, kPart)).put(label(row.labels, kSpec));
}

void put(DigestText& text, const podman::PodSummary& row, const Holdings& all) {
    text.put(row.id).put(row.name).put(static_cast<std::int64_t>(row.status));
    text.put(label(row.labels, kPart)).put(label(row.labels, kSpec)).put(service_of(row));
    const podman::ContainerSummary* infra = all.container_by_id(row.infra_id);
    text.put(infra == nullptr ? -1 : static_cast<std::int64_t>(infra->state));
}

void put(DigestText& text, const AppHoldings& held, const Holdings& all) {
    text.put("containers");
    for (const podman::ContainerSummary* row : held.containers) {
        put(text, *row);
    }
    text.put("pods");
    for (const podman::PodSummary* row : held.pods) {
        put(text, *row, all);
    }
    text.put("services");
    for (const podman::ContainerSummary* row : held.services) {
        put(text, *row);
    }
    for (const podman::VolumeDetails* row : held.volumes) {
        text.put(row->name);
    }
    for (const podman::SecretDetails* row : held.secrets) {
        text.put(row->name).put(label(row->labels, kSpec));
    }
}

void put_lost(DigestText& text,
              const AppHoldings& held,
              const Holdings& all,
              const observe::Observed& observed) {
    const auto look = [&](const podman::ContainerSummary* row) {
        if (row != nullptr && observed.lost.contains(row->id)) {
            text.put("lost").put(row->id);
        }
    };
    std::for_each(held.containers.begin(), held.containers.end(), look);
    std::for_each(held.services.begin(), held.services.end(), look);
    for (const podman::PodSummary* pod : held.pods) {
        look(all.container_by_id(pod->infra_id));
    }
}

void put(DigestText& text, const AppPolicy& app) {
    text.put(app.generation).put(app.generation_spec);
    text.put(app.deployed_spec ? *app.deployed_spec : std::string_view("?"));
    text.put(app.kept_volumes.spec).put(app.kept_volumes.mount_point);
    for (const std::string& former : app.former) {
        text.put("former").put(former);
    }
    text.put(app.stopped ? 1 : 0)
        .put(app.busy ? 1 : 0)
        .put(app.hold_start ? 1 : 0)
        .put(app.hold_stop ? 1 : 0);
    if (app.grace_share != kWholeGrace) {
        text.put(app.grace_share);
    }
    for (const auto& [part, policy] : app.parts) {
        if (policy.hold_start) {
            text.put(part);
        }
    }
    text.put("stuck");
    for (const std::string& id : app.stuck) {
        text.put(id);
    }
    text.put("unhealthy");
    for (const auto& [id, unhealthy] : app.unhealthy) {
        text.put(id);
    }
}

void put(DigestText& text, const manifests::AppSpec& app, const observe::HostResources& resources) {
    for (const manifests::NetworkSpec& network : app.networks) {
        text.put(resources.networks.contains(network.name) ? 1 : 0);
    }
    for (const manifests::VolumeSpec& volume : app.volumes) {
        text.put(resources.volumes.contains(volume.name) ? 1 : 0);
    }
    for (const manifests::SecretSpec& secret : app.secrets) {
        text.put(resources.secrets.contains(secret.name) ? 1 : 0);
    }
}

void put(DigestText& text, const manifests::Desired& desired) {
    text.put("desired").put(desired.complete ? 1 : 0);
    for (const auto& [app, held] : desired.held) {
        text.put(app).put(held.reason);
    }
    text.put(static_cast<std::int64_t>(desired.let_go.size()));
    for (const std::string& app : desired.let_go) {
        text.put(app);
    }
    for (const std::string& app : desired.remembered.value_or(std::set<std::string>())) {
        text.put("remembered").put(app);
    }
    for (const manifests::AppProblem& problem : desired.problems) {
        text.put(problem.app).put(problem.file);
        for (const Diagnostic& diagnostic : problem.diagnostics) {
            text.put(to_text(diagnostic));
        }
    }
}

}  // namespace

std::string digest_of(const manifests::Desired& desired,
                      const observe::Observed& observed,
                      const Policy& policy,
                      const Holdings& all,
                      const Plan& plan) {
    DigestText text;
    text.put("podreeve plan 1").put(policy.owner).put(policy.removals_allowed ? 1 : 0);
    text.put(observed.holds_service_containers ? 1 : 0).put(observed.resources ? 1 : 0);
    put(text, desired);
    for (const auto& [name, app] : plan.apps) {
        text.put("app").put(name).put(app.spec);
        put(text, all.of(name), all);
        put_lost(text, all.of(name), all, observed);
        if (const auto it = policy.apps.find(name); it != policy.apps.end()) {
            put(text, it->second);
        }
        for (const Condition& condition : app.conditions) {
            if (condition.type == "Conflict") {
                text.put(condition.message);
            }
        }
        const auto spec = desired.apps.find(name);
        if (observed.resources && spec != desired.apps.end()) {
            put(text, *spec->second, *observed.resources);
        }
    }
    if (observed.resources) {
        text.put("images");
        for (const auto& [image, here] : observed.resources->images) {
            text.put(image).put(here ? 1 : 0);
        }
    }
    return text.digest();
}

}  // namespace podreeve::plan
