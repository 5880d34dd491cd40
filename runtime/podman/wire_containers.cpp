#include <algorithm>
#include <unordered_map>

#include "runtime/podman/json_fields.h"
#include "runtime/podman/json_reader.h"
#include "runtime/podman/wire.h"

namespace podreeve::podman::wire {
namespace {

// Podman 5.4 says "reset" of a container whose health check was switched off.
std::string health_from(std::string word) {
    const bool known = word == "starting" || word == "healthy" || word == "unhealthy";
    return known ? std::move(word) : std::string();
}

// All published ports of a list that are taken apart. A row of a few bytes can stand for 65,536 of
// them, in each container; those beyond are left out, since they only tell who holds a port.
constexpr std::int64_t kMaxPorts = 4 * 65536;

// Reads one list.
struct ListReader : JsonReader {
    using JsonReader::JsonReader;
    std::int64_t ports_left = kMaxPorts;
};

void read_created(ContainerSummary& out, ListReader& reader) {
    out.created = time_from_text(reader.text());
}

void read_names(ContainerSummary& out, ListReader& reader) {
    auto names = reader.texts();
    out.name = names.empty() ? std::string() : std::move(names.front());
}

// A row stands for `range` ports in a row.
void read_port(ContainerSummary& out, ListReader& reader) {
    PortMapping port;
    std::int64_t range = 1;
    reader.object([&](std::string_view key) {
        if (key == "host_ip") {
            port.host_ip = reader.text();
        } else if (key == "host_port") {
            port.host_port = static_cast<std::uint16_t>(reader.number());
        } else if (key == "container_port") {
            port.container_port = static_cast<std::uint16_t>(reader.number());
        } else if (key == "range") {
            range = reader.number();
        } else if (key == "protocol") {
            port.protocol = reader.text();
        } else {
            reader.skip();
        }
    });
    const std::int64_t count = std::clamp<std::int64_t>(range, 1, 65536 - port.host_port);
    if (count > reader.ports_left) {
        return;
    }
    reader.ports_left -= count;
    for (std::int64_t i = 0; i < count; ++i) {
        out.ports.push_back(port);
        ++port.host_port;
        ++port.container_port;
    }
}

void read_ports(ContainerSummary& out, ListReader& reader) {
    reader.array([&] { read_port(out, reader); });
}

using ReadField = void (*)(ContainerSummary&, ListReader&);

// The members of a row that podreeve wants. All others are passed over unread.
const std::unordered_map<std::string_view, ReadField>& row_fields() {
    using Row = ContainerSummary;
    using Reader = ListReader;
    static const std::unordered_map<std::string_view, ReadField> kFields{
        {"Id", [](Row& row, Reader& in) { row.id = in.text(); }},
        {"Names", read_names},
        {"Image", [](Row& row, Reader& in) { row.image = in.text(); }},
        {"ImageID", [](Row& row, Reader& in) { row.image_id = in.text(); }},
        {"State", [](Row& row, Reader& in) { row.state = container_state_from(in.text()); }},
        {"Status", [](Row& row, Reader& in) { row.health = health_from(in.text()); }},
        {"ExitCode", [](Row& row, Reader& in) { row.exit_code = static_cast<int>(in.number()); }},
        {"Pid", [](Row& row, Reader& in) { row.pid = in.number(); }},
        {"Pod", [](Row& row, Reader& in) { row.pod_id = in.text(); }},
        {"PodName", [](Row& row, Reader& in) { row.pod_name = in.text(); }},
        {"IsInfra", [](Row& row, Reader& in) { row.is_infra = in.flag(); }},
        {"AutoRemove", [](Row& row, Reader& in) { row.auto_remove = in.flag(); }},
        {"Labels", [](Row& row, Reader& in) { row.labels = in.text_map(); }},
        {"Networks", [](Row& row, Reader& in) { row.networks = in.texts(); }},
        {"Mounts", [](Row& row, Reader& in) { row.mounts = in.texts(); }},
        {"Ports", read_ports},
        {"Created", read_created},
        {"StartedAt", [](Row& row, Reader& in) { row.started = time_from_seconds(in.number()); }},
        {"ExitedAt", [](Row& row, Reader& in) { row.exited = time_from_seconds(in.number()); }},
    };
    return kFields;
}

ContainerSummary read_row(ListReader& reader) {
    const auto& fields = row_fields();
    ContainerSummary out;
    reader.object([&](std::string_view key) {
        const auto field = fields.find(key);
        if (field == fields.end()) {
            reader.skip();
        } else {
            field->second(out, reader);
        }
    });
    return out;
}

std::string health_in(const Json& state) {
    const Json& health = child_in(state, "Health");
    return health_from(
        text_in(health.is_object() ? health : child_in(state, "Healthcheck"), "Status"));
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
    ListReader reader(body);
    std::vector<ContainerSummary> out;
    const bool is_list = reader.array([&] { out.push_back(read_row(reader)); });
    if (!is_list || !reader.finished()) {
        return fail(Code::Corrupt, "cannot read the list of containers: podman sent no valid list");
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
