#include "runtime/podman/json_fields.h"
#include "runtime/podman/json_reader.h"
#include "runtime/podman/wire.h"

namespace podreeve::podman::wire {
namespace {

std::vector<PodSummary::Member> members_from(const Json& rows) {
    std::vector<PodSummary::Member> out;
    if (rows.is_array()) {
        for (const Json& row : rows) {
            out.push_back({text_in(row, "Id"), text_in(row, "Name"),
                           container_state_from(text_in(row, "State"))});
        }
    }
    return out;
}

PodSummary::Member read_member(JsonReader& reader) {
    PodSummary::Member out;
    reader.object([&](std::string_view key) {
        if (key == "Id") {
            out.id = reader.text();
        } else if (key == "Names") {
            out.name = reader.text();
        } else if (key == "Status") {
            out.state = container_state_from(reader.text());
        } else {
            reader.skip();
        }
    });
    return out;
}

void read_field(PodSummary& out, std::string_view key, JsonReader& reader) {
    if (key == "Id") {
        out.id = reader.text();
    } else if (key == "Name") {
        out.name = reader.text();
    } else if (key == "Status") {
        out.status = pod_status_from(reader.text());
    } else if (key == "InfraId") {
        out.infra_id = reader.text();
    } else if (key == "Labels") {
        out.labels = reader.text_map();
    } else if (key == "Containers") {
        reader.array([&] { out.members.push_back(read_member(reader)); });
    } else if (key == "Created") {
        out.created = time_from_text(reader.text());
    } else {
        reader.skip();
    }
}

PodSummary read_pod_row(JsonReader& reader) {
    PodSummary out;
    reader.object([&](std::string_view key) { read_field(out, key, reader); });
    return out;
}

PodSummary pod_from_inspect(const Json& reply) {
    PodSummary out;
    out.id = text_in(reply, "Id");
    out.name = text_in(reply, "Name");
    out.status = pod_status_from(text_in(reply, "State"));
    out.infra_id = text_in(reply, "InfraContainerID");
    out.labels = text_map_in(reply, "Labels");
    out.members = members_from(child_in(reply, "Containers"));
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
    JsonReader reader(body);
    std::vector<PodSummary> out;
    const bool is_list = reader.array([&] { out.push_back(read_pod_row(reader)); });
    if (!is_list || !reader.finished()) {
        return fail(Code::Corrupt, "cannot read the list of pods: podman sent no valid list");
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
