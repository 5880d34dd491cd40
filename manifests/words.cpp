#include "manifests/words.h"

#include <algorithm>

#include <fmt/format.h>

#include "manifests/names.h"

namespace podreeve::manifests {

RestartPolicy restart_policy_of(const std::string& word) {
    if (word == "on-failure" || word == "until-success") {
        return RestartPolicy::OnFailure;
    }
    return word == "never" || word == "once" ? RestartPolicy::Never : RestartPolicy::Always;
}

DependencyKind dependency_kind_of(const std::string& word) {
    if (word == "healthy") {
        return DependencyKind::Healthy;
    }
    if (word == "finished") {
        return DependencyKind::Finished;
    }
    return word == "failed" ? DependencyKind::Failed : DependencyKind::Started;
}

LossPolicy loss_policy_of(const std::string& word) {
    return word == "stop"      ? LossPolicy::Stop
           : word == "restart" ? LossPolicy::Restart
                               : LossPolicy::Stay;
}

UnitRestart unit_restart_of(const std::string& word) {
    return word == "report"          ? UnitRestart::Report
           : word == "on-next-start" ? UnitRestart::OnNextStart
                                     : UnitRestart::Now;
}

std::optional<Dependency> read_dependency(const Place& place, const std::string& own_app) {
    if (place.is_scalar()) {
        const auto app = place.required_text(Reading::Verbatim);
        return app ? std::optional<Dependency>(
                         Dependency{*app, DependencyKind::Started, place.position()})
                   : std::nullopt;
    }
    if (!place.check_fields(fields::kAppDependency)) {
        return std::nullopt;
    }
    const Place app = place["app"];
    const Place companion = place["companion"];
    const auto is = place["is"].one_of(kDependencyWords);
    const auto policy = place["policy"].one_of(kLossWords);
    std::optional<std::string> name = own_app;
    if (app.present() || !companion.present()) {
        name = app.required_text(Reading::Verbatim);
    }
    const auto part = companion.present() ? companion.required_text(Reading::Verbatim)
                                          : std::optional<std::string>("");
    if (!name || !part) {
        return std::nullopt;
    }
    const Place& named = app.present() ? app : companion;
    return Dependency{*name, dependency_kind_of(is.value_or("started")), named.position(),
                      loss_policy_of(policy.value_or("stay")), *part};
}

bool check_dependency_name(const Place& place, const std::string& name) {
    if (!is_label(name)) {
        place.fail(fmt::format("'{}' is not the name of an app", name), std::string(kLabelRule));
        return false;
    }
    return true;
}

void add_dependency(const Place& place, Dependency dependency, std::vector<Dependency>& out) {
    if (!check_dependency_name(place, dependency.app)) {
        return;
    }
    const auto same = [&](const Dependency& other) {
        return other.app == dependency.app && other.companion == dependency.companion;
    };
    if (std::any_of(out.begin(), out.end(), same)) {
        place.fail(fmt::format("depends on {} twice", dependency.companion.empty()
                                                          ? dependency.app
                                                          : dependency.companion));
        return;
    }
    out.push_back(std::move(dependency));
}

PullPolicy default_pull_policy(const std::string& image) {
    const bool local = image.rfind("localhost/", 0) == 0;
    return !local && is_latest(image) ? PullPolicy::Always : PullPolicy::IfNotPresent;
}

std::optional<std::string> image_of(const Place& place) {
    auto image = place.required_text(Reading::Verbatim);
    if (image && !is_image_reference(*image)) {
        place.fail(fmt::format("'{}' is not an image reference", *image),
                   "[host[:port]/]name[:tag][@digest], the digest as sha256: and 64 digits");
        return std::nullopt;
    }
    return image;
}

}  // namespace podreeve::manifests
