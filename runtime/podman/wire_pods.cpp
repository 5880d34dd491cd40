#include "runtime/podman/json_fields.h"
#include "runtime/podman/wire.h"

namespace podreeve::podman::wire {
namespace {

PodSummary::Member member_from(const Json& row, const char* name_key, const char* state_key) {
    PodSummary::Member out;
    out.id = text_in(row, "Id");
    out.name = text_in(row, name_key);
    out.state = container_state_from(text_in(row, state_key));
    return out;
}

std::vector<PodSummary::Member> members_from(const Json& rows,
                                             const char* name_key,
                                             const char* state_key) {
    std::vector<PodSummary::Member> out;
    if (rows.is_array()) {
        for (const Json& row : rows) {
            out.push_back(member_from(row, name_key, state_key));
        }
    }
    return out;
}

PodSummary pod_from_list(const Json& row) {
    PodSummary out;
    out.id = text_in(row, "Id");
    out.name = text_in(row, "Name");
    out.status = pod_status_from(text_in(row, "Status"));
    out.infra_id = text_in(row, "InfraId");
    out.labels = text_map_in(row, "Labels");
    out.members = members_from(child_in(row, "Containers"), "Names", "Status");
    out.created = time_from_text(text_in(row, "Created"));
    return out;
}

PodSummary pod_from_inspect(const Json& reply) {
    PodSummary out;
    out.id = text_in(reply, "Id");
    out.name = text_in(reply, "Name");
    out.status = pod_status_from(text_in(reply, "State"));
    out.infra_id = text_in(reply, "InfraContainerID");
    out.labels = text_map_in(reply, "Labels");
    out.members = members_from(child_in(reply, "Containers"), "Name", "State");
    out.created = time_from_text(text_in(reply, "Created"));
    return out;
}

void append(std::string& errors, const std::string& error) {
    if (!error.empty()) {
        errors += (errors.empty() ? "" : "; ") + error;
    }
}

}  // namespace

Result<std::vector<PodSummary>> read_pod_list(std::string_view body) {
    ASSIGN_OR_RETURN(const Json rows, parse_json(body, "the list of pods"));
    if (!rows.is_array()) {
        return fail(Code::Corrupt, "cannot read the list of pods: podman sent no list");
    }
    std::vector<PodSummary> out;
    out.reserve(rows.size());
    for (const Json& row : rows) {
        out.push_back(pod_from_list(row));
    }
    return out;
}

Result<PodSummary> read_pod(std::string_view body) {
    ASSIGN_OR_RETURN(const Json parsed, parse_json(body, "a pod"));
    // The command line wraps the one pod in a list; some versions of the service did so too.
    const Json& reply = parsed.is_array() && !parsed.empty() ? parsed.front() : parsed;
    if (text_in(reply, "Id").empty()) {
        return fail(Code::Corrupt, "cannot read a pod: podman sent none");
    }
    return pod_from_inspect(reply);
}

std::string read_pod_errors(std::string_view body) {
    const Json reply = Json::parse(body, nullptr, false);
    std::string errors;
    for (const std::string& error : texts_in(reply, "Errs")) {
        append(errors, error);
    }
    return errors;
}

Result<std::string> read_pod_removal_errors(std::string_view body) {
    if (body.empty()) {
        return std::string();
    }
    ASSIGN_OR_RETURN(const Json reply, parse_json(body, "what was removed"));
    std::string errors;
    append(errors, text_in(reply, "Err"));
    for (const auto& [id, error] : text_map_in(reply, "RemovedCtrs")) {
        append(errors, error);
    }
    return errors;
}

}  // namespace podreeve::podman::wire
