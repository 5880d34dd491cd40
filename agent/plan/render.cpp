#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/plan/plan.h"
#include "agent/plan/step_kinds.h"

// A plan for people and for programs.
namespace podreeve::plan {
namespace {

using nlohmann::json;

json to_json(const Step& step) {
    return {{"kind", to_string(step.kind)},
            {"part", step.part},
            {"object", step.object},
            {"id", step.id},
            {"reason", step.reason},
            {"inverse", step.inverse},
            {"details", json::parse(step.details, nullptr, false)},
            {"after", step.after}};
}

json to_json(const Condition& condition) {
    return {{"type", condition.type},
            {"reason", condition.reason},
            {"message", condition.message},
            {"part", condition.part}};
}

json to_json(const AppPlan& app) {
    json steps = json::array();
    for (const Step& step : app.steps) {
        steps.push_back(to_json(step));
    }
    json conditions = json::array();
    for (const Condition& condition : app.conditions) {
        conditions.push_back(to_json(condition));
    }
    return {{"action", to_string(app.action)},
            {"spec", app.spec},
            {"generation", app.generation},
            {"steps", std::move(steps)},
            {"conditions", std::move(conditions)}};
}

std::string heading(const AppPlan& app) {
    switch (app.action) {
        case AppAction::None:
            return app.subject() + ":";
        case AppAction::Deploy:
            return fmt::format("{}: deploy generation {}", app.subject(), app.generation);
        case AppAction::Repair:
        case AppAction::Remove:
        case AppAction::Stop:
            break;
    }
    return fmt::format("{}: {}", app.subject(), to_string(app.action));
}

std::string to_text(const AppPlan& app) {
    std::string text = heading(app) + "\n";
    std::size_t kind_width = 0;
    std::size_t object_width = 0;
    for (const Step& step : app.steps) {
        kind_width = std::max(kind_width, to_string(step.kind).size());
        object_width = std::max(object_width, step.object.size());
    }
    for (const Step& step : app.steps) {
        text +=
            fmt::format("  {} {:<{}}  {:<{}}  {}\n", row_of(step.kind).sign, to_string(step.kind),
                        kind_width, step.object, object_width, step.reason);
    }
    for (const Condition& condition : app.conditions) {
        text += fmt::format("  ! {}: {}\n", condition.type, condition.message);
    }
    return text;
}

// What somebody added to an installed unit is merged, and holds nothing back.
bool differs(const AppPlan& app) {
    return !app.empty() || std::any_of(app.conditions.begin(), app.conditions.end(),
                                       [](const Condition& condition) {
                                           return condition.type != "ForeignDropIn";
                                       });
}

}  // namespace

bool Plan::differs() const {
    const auto one = [](const auto& row) { return plan::differs(row.second); };
    return std::any_of(apps.begin(), apps.end(), one) ||
           std::any_of(companions.begin(), companions.end(), one);
}

bool Plan::speaks_of(const std::string& app) const {
    return std::ranges::any_of(std::array{&apps, &companions}, [&](const auto* plans) {
        const auto found = plans->find(app);
        return found != plans->end() && plan::differs(found->second);
    });
}

bool Plan::empty() const {
    const auto idle = [](const auto& row) { return row.second.empty(); };
    return std::all_of(apps.begin(), apps.end(), idle) &&
           std::all_of(companions.begin(), companions.end(), idle);
}

nlohmann::json to_json(const Plan& plan) {
    json apps = json::object();
    for (const auto& [name, app] : plan.apps) {
        apps[name] = to_json(app);
    }
    json out = {{"apps", std::move(apps)},
                {"digest", plan.digest},
                {"needs_resources", plan.needs_resources}};
    for (const auto& [name, app] : plan.companions) {
        out["companions"][name] = to_json(app);
    }
    return out;
}

std::string to_text(const Plan& plan) {
    std::string text;
    for (const auto* plans : {&plan.apps, &plan.companions}) {
        for (const auto& [name, app] : *plans) {
            if (!app.steps.empty() || !app.conditions.empty()) {
                text += to_text(app);
            }
        }
    }
    return text.empty() ? "nothing to do\n" : text;
}

}  // namespace podreeve::plan
