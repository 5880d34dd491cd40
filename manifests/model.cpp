#include "manifests/model.h"

#include <algorithm>

#include <fmt/format.h>

namespace podreeve::manifests {
namespace {

template <class Part>
const Part* find_part(const std::vector<Part>& parts, const std::string& name) {
    const auto found = std::find_if(parts.begin(), parts.end(),
                                    [&](const Part& part) { return part.part == name; });
    return found == parts.end() ? nullptr : &*found;
}

std::string joined(const std::vector<StartCondition>& conditions, const char* between) {
    std::string out;
    for (const StartCondition& condition : conditions) {
        out += (out.empty() ? "" : between) + to_text(condition);
    }
    return out;
}

}  // namespace

const ContainerSpec* AppSpec::find_container(const std::string& part) const {
    return find_part(containers, part);
}

const PodSpec* AppSpec::find_pod(const std::string& part) const {
    return find_part(pods, part);
}

const VolumeSpec* AppSpec::find_volume(const std::string& part) const {
    return find_part(volumes, part);
}

const CompanionSpec* AppSpec::find_companion(const std::string& part) const {
    return find_part(companions, part);
}

std::string_view to_string(UnitRestart policy) {
    switch (policy) {
        case UnitRestart::Now:
            return "now";
        case UnitRestart::OnNextStart:
            return "on-next-start";
        case UnitRestart::Report:
            return "report";
    }
    return "now";
}

std::string_view to_string(DependencyKind kind) {
    switch (kind) {
        case DependencyKind::Started:
            return "started";
        case DependencyKind::Healthy:
            return "healthy";
        case DependencyKind::Finished:
            return "finished";
        case DependencyKind::Failed:
            return "failed";
    }
    return "started";
}

std::string_view to_string(LossPolicy policy) {
    switch (policy) {
        case LossPolicy::Stay:
            return "stay";
        case LossPolicy::Stop:
            return "stop";
        case LossPolicy::Restart:
            return "restart";
    }
    return "stay";
}

std::string_view to_string(StartConditionKind kind) {
    switch (kind) {
        case StartConditionKind::Service:
            return "app";
        case StartConditionKind::Path:
            return "path";
        case StartConditionKind::Port:
            return "port";
        case StartConditionKind::Network:
            return "network";
        case StartConditionKind::Time:
            return "time";
        case StartConditionKind::Image:
            return "image";
        case StartConditionKind::Unit:
            return "unit";
        case StartConditionKind::All:
            return "all";
        case StartConditionKind::Any:
            return "any";
    }
    return "all";
}

std::string_view to_string(RestartPolicy policy) {
    switch (policy) {
        case RestartPolicy::Always:
            return "always";
        case RestartPolicy::OnFailure:
            return "on-failure";
        case RestartPolicy::Never:
            return "never";
    }
    return "always";
}

std::string_view to_string(PullPolicy policy) {
    switch (policy) {
        case PullPolicy::Always:
            return "always";
        case PullPolicy::IfNotPresent:
            return "if-not-present";
        case PullPolicy::Never:
            return "never";
    }
    return "if-not-present";
}

std::string to_text(const StartCondition& condition) {
    const std::string& subject = condition.subject;
    switch (condition.kind) {
        case StartConditionKind::Service:
            return fmt::format("{} to be {}", subject, to_string(condition.is));
        case StartConditionKind::Path:
            return fmt::format("path {} to exist", subject);
        case StartConditionKind::Port:
            return fmt::format("port {} to be open", subject);
        case StartConditionKind::Network:
            return "the network to be online";
        case StartConditionKind::Time:
            return fmt::format("the time {}", subject);
        case StartConditionKind::Image:
            return fmt::format("image {} to be present", subject);
        case StartConditionKind::Unit:
            return fmt::format("unit {} to be active", subject);
        case StartConditionKind::All:
            return fmt::format("all of ({})", joined(condition.of, ", "));
        case StartConditionKind::Any:
            return fmt::format("any of ({})", joined(condition.of, ", "));
    }
    return "";
}

}  // namespace podreeve::manifests
