#include "runtime/podman/json_fields.h"
#include "runtime/podman/wire.h"

namespace podreeve::podman::wire {
namespace {

ContainerSummary summary_from(const Json& row) {
    ContainerSummary out;
    out.id = text_in(row, "Id");
    const auto names = texts_in(row, "Names");
    out.name = names.empty() ? std::string() : names.front();
    out.image = text_in(row, "Image");
    out.image_id = text_in(row, "ImageID");
    out.state = container_state_from(text_in(row, "State"));
    out.health = text_in(row, "Status");
    out.exit_code = static_cast<int>(number_in(row, "ExitCode"));
    out.pid = number_in(row, "Pid");
    out.pod_id = text_in(row, "Pod");
    out.pod_name = text_in(row, "PodName");
    out.is_infra = flag_in(row, "IsInfra");
    out.auto_remove = flag_in(row, "AutoRemove");
    out.labels = text_map_in(row, "Labels");
    out.networks = texts_in(row, "Networks");
    out.mounts = texts_in(row, "Mounts");
    out.created = time_from_text(text_in(row, "Created"));
    out.started = time_from_seconds(number_in(row, "StartedAt"));
    out.exited = time_from_seconds(number_in(row, "ExitedAt"));
    return out;
}

std::string health_in(const Json& state) {
    const Json& health = child_in(state, "Health");
    return text_in(health.is_object() ? health : child_in(state, "Healthcheck"), "Status");
}

std::vector<std::string> keys_of(const Json& object) {
    std::vector<std::string> out;
    if (object.is_object()) {
        for (const auto& [name, ignored] : object.items()) {
            out.push_back(name);
        }
    }
    return out;
}

std::vector<std::string> destinations_in(const Json& mounts) {
    std::vector<std::string> out;
    if (mounts.is_array()) {
        for (const Json& mount : mounts) {
            out.push_back(text_in(mount, "Destination"));
        }
    }
    return out;
}

ContainerSummary summary_from_inspect(const Json& reply) {
    const Json& state = child_in(reply, "State");
    ContainerSummary out;
    out.id = text_in(reply, "Id");
    out.name = text_in(reply, "Name");
    out.image = text_in(reply, "ImageName");
    out.image_id = text_in(reply, "Image");
    out.state = container_state_from(text_in(state, "Status"));
    out.health = health_in(state);
    out.exit_code = static_cast<int>(number_in(state, "ExitCode"));
    out.pid = number_in(state, "Pid");
    out.pod_id = text_in(reply, "Pod");
    out.is_infra = flag_in(reply, "IsInfra");
    out.auto_remove = flag_in(child_in(reply, "HostConfig"), "AutoRemove");
    out.labels = text_map_in(child_in(reply, "Config"), "Labels");
    out.networks = keys_of(child_in(child_in(reply, "NetworkSettings"), "Networks"));
    out.mounts = destinations_in(child_in(reply, "Mounts"));
    out.created = time_from_text(text_in(reply, "Created"));
    out.started = time_from_text(text_in(state, "StartedAt"));
    out.exited = time_from_text(text_in(state, "FinishedAt"));
    return out;
}

}  // namespace

Result<std::vector<ContainerSummary>> read_container_list(std::string_view body) {
    ASSIGN_OR_RETURN(const Json rows, parse_json(body, "the list of containers"));
    if (!rows.is_array()) {
        return fail(Code::Corrupt, "cannot read the list of containers: podman sent no list");
    }
    std::vector<ContainerSummary> out;
    out.reserve(rows.size());
    for (const Json& row : rows) {
        out.push_back(summary_from(row));
    }
    return out;
}

Result<ContainerDetails> read_container(std::string_view body) {
    ASSIGN_OR_RETURN(const Json reply, parse_json(body, "a container"));
    if (text_in(reply, "Id").empty()) {
        return fail(Code::Corrupt, "cannot read a container: podman sent none");
    }
    const Json& state = child_in(reply, "State");
    ContainerDetails out;
    out.summary = summary_from_inspect(reply);
    out.is_service = flag_in(reply, "IsService");
    out.started = out.summary.started;
    out.finished = out.summary.exited;
    out.annotations = text_map_in(child_in(reply, "Config"), "Annotations");
    out.conmon_pid = number_in(state, "ConmonPid");
    out.error = text_in(state, "Error");
    out.oom_killed = flag_in(state, "OOMKilled");
    return out;
}

Result<std::string> read_removal_errors(std::string_view body) {
    if (body.empty()) {
        return std::string();
    }
    ASSIGN_OR_RETURN(const Json rows, parse_json(body, "what was removed"));
    std::string errors;
    if (rows.is_array()) {
        for (const Json& row : rows) {
            const std::string error = text_in(row, "Err");
            if (!error.empty() && error.find("no such container") == std::string::npos) {
                errors += (errors.empty() ? "" : "; ") + error;
            }
        }
    }
    return errors;
}

Result<std::string> read_id(std::string_view body) {
    ASSIGN_OR_RETURN(const Json reply, parse_json(body, "the id of what was created"));
    std::string id = text_in(reply, "Id");
    if (id.empty()) {
        id = text_in(reply, "ID");
    }
    if (id.empty()) {
        return fail(Code::Corrupt, "cannot read the id of what was created: podman sent none");
    }
    return id;
}

}  // namespace podreeve::podman::wire
