#include "runtime/podman/json_fields.h"
#include "runtime/podman/wire.h"

namespace podreeve::podman::wire {
namespace {

VolumeDetails volume_from(const Json& row) {
    VolumeDetails out;
    out.name = text_in(row, "Name");
    out.driver = text_in(row, "Driver");
    out.mountpoint = text_in(row, "Mountpoint");
    out.labels = text_map_in(row, "Labels");
    out.options = text_map_in(row, "Options");
    out.anonymous = flag_in(row, "Anonymous");
    return out;
}

}  // namespace

Result<std::vector<VolumeDetails>> read_volume_list(std::string_view body) {
    ASSIGN_OR_RETURN(const Json rows, parse_json(body, "the list of volumes"));
    if (!rows.is_array() && !rows.is_null()) {
        return fail(Code::Corrupt, "cannot read the list of volumes: podman sent no list");
    }
    std::vector<VolumeDetails> out;
    for (const Json& row : rows) {
        out.push_back(volume_from(row));
    }
    return out;
}

Result<VolumeDetails> read_volume(std::string_view body) {
    ASSIGN_OR_RETURN(const Json reply, parse_json(body, "a volume"));
    VolumeDetails out = volume_from(reply);
    if (out.name.empty()) {
        return fail(Code::Corrupt, "cannot read a volume: podman sent none");
    }
    return out;
}

}  // namespace podreeve::podman::wire
