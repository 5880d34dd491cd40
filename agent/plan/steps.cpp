#include "agent/plan/steps.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "runtime/base/digest.h"

namespace podreeve::plan {
namespace {

constexpr std::string_view kRetainedMark = "-retained-";
constexpr std::string_view kRetainedMarkBefore = "-parked-";  // of the first release
constexpr std::size_t kShortId = 12;
constexpr std::size_t kHashDigits = 16;

std::string short_hash(const std::string& text) {
    return sha256_hex(text).substr(0, kHashDigits);
}

bool is_hex(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::size_t root_of(std::vector<std::size_t>& parents, std::size_t i) {
    while (parents[i] != i) {
        parents[i] = parents[parents[i]];
        i = parents[i];
    }
    return i;
}

// Joins the steps that wait for one another; the smallest index of a group is its root.
std::vector<std::size_t> groups(const std::vector<Step>& steps) {
    std::vector<std::size_t> parents(steps.size());
    std::iota(parents.begin(), parents.end(), std::size_t{0});
    for (std::size_t i = 0; i < steps.size(); ++i) {
        for (const std::size_t before : steps[i].after) {
            const std::size_t a = root_of(parents, i);
            const std::size_t b = root_of(parents, before);
            parents[std::max(a, b)] = std::min(a, b);
        }
    }
    return parents;
}

}  // namespace

std::string_view to_string(AppAction action) {
    switch (action) {
        case AppAction::None:
            return "none";
        case AppAction::Deploy:
            return "deploy";
        case AppAction::Repair:
            return "repair";
        case AppAction::Remove:
            return "remove";
        case AppAction::Stop:
            return "stop";
    }
    return "none";
}

std::string service_name(const std::string& app, const std::string& owner) {
    return sha256_hex(owner + "/" + app).substr(0, kShortId) + "-service";
}

std::string retained_name(const std::string& name, const std::string& id) {
    return name + std::string(kRetainedMark) + id.substr(0, kShortId);
}

bool is_retained(std::string_view name) {
    return std::ranges::any_of(
        std::array{kRetainedMark, kRetainedMarkBefore}, [&](std::string_view mark) {
            const std::size_t at = name.rfind(mark);
            const std::string_view id =
                at == std::string_view::npos ? std::string_view() : name.substr(at + mark.size());
            return id.size() == kShortId && is_hex(id);
        });
}

std::string label_spec(const manifests::ContainerSpec& spec) {
    return manifests::spec_hash(spec);
}

std::string label_spec(const manifests::AppSpec& app, const manifests::PodSpec& spec) {
    const std::string own = manifests::spec_hash(spec);
    std::string all = own;
    for (const manifests::ContainerSpec& container : app.containers) {
        if (container.pod == spec.part && container.role == manifests::ContainerRole::Init) {
            all += '\n' + manifests::spec_hash(container);
        }
    }
    return all == own ? own : short_hash(all);
}

std::string label_spec(const manifests::SecretSpec& spec) {
    // Lengths first, so that no two different secrets are written alike.
    std::string all;
    const auto put = [&all](const std::string& text) {
        all += std::to_string(text.size()) + ':' + text;
    };
    put(spec.part);
    put(spec.name);
    put(spec.data);
    for (const auto& [key, value] : spec.labels) {
        put(key);
        put(value);
    }
    return short_hash(all);
}

std::set<std::string> images_asked_for(const Plan& plan) {
    std::set<std::string> images;
    for (const auto& [name, app] : plan.apps) {
        for (const Step& step : app.steps) {
            if (step.kind == StepKind::PullImage) {
                images.insert(step.object);
            }
        }
    }
    return images;
}

namespace {

bool is_for_all_units(StepKind kind) {
    return kind == StepKind::InstallUnit || kind == StepKind::RemoveUnit ||
           kind == StepKind::ReloadUnits || kind == StepKind::NoteUnits;
}

// One reload serves all; after it each unit stands or falls by itself.
std::vector<int> lanes_of_units(const AppPlan& plan) {
    std::vector<int> lanes(plan.steps.size(), 1);
    std::map<std::string, int> by_part;
    for (std::size_t i = 0; i < plan.steps.size(); ++i) {
        if (!is_for_all_units(plan.steps[i].kind)) {
            lanes[i] = by_part.emplace(plan.steps[i].part, by_part.size() + 2).first->second;
        }
    }
    return lanes;
}

}  // namespace

std::string app_of(const std::string& subject) {
    return subject.substr(0, subject.find('/'));
}

std::string companions_of(const std::string& app) {
    return app + "/companions";
}

std::string AppPlan::subject() const {
    return companions ? companions_of(app) : app;
}

std::vector<int> lanes(const AppPlan& plan) {
    if (plan.companions && plan.action == AppAction::Repair) {
        return lanes_of_units(plan);
    }
    std::vector<int> lanes(plan.steps.size(), 1);
    if (plan.action != AppAction::Repair) {
        return lanes;
    }
    std::vector<std::size_t> parents = groups(plan.steps);
    int next = 1;
    for (std::size_t i = 0; i < parents.size(); ++i) {
        const std::size_t root = root_of(parents, i);
        lanes[i] = root == i ? next++ : lanes[root];
    }
    return lanes;
}

}  // namespace podreeve::plan
