#include "runtime/podman/json_fields.h"
#include "runtime/podman/wire.h"

namespace podreeve::podman::wire {
namespace {

NetworkDetails network_from(const Json& row) {
    NetworkDetails out;
    out.name = text_in(row, "name");
    out.id = text_in(row, "id");
    out.driver = text_in(row, "driver");
    out.dns_enabled = flag_in(row, "dns_enabled");
    out.labels = text_map_in(row, "labels");
    return out;
}

}  // namespace

Result<std::vector<NetworkDetails>> read_network_list(std::string_view body) {
    ASSIGN_OR_RETURN(const Json rows, parse_json(body, "the list of networks"));
    if (!rows.is_array() && !rows.is_null()) {
        return fail(Code::Corrupt, "cannot read the list of networks: podman sent no list");
    }
    std::vector<NetworkDetails> out;
    for (const Json& row : rows) {
        out.push_back(network_from(row));
    }
    return out;
}

}  // namespace podreeve::podman::wire
