#include <fmt/format.h>

#include "runtime/podman/json_fields.h"
#include "runtime/podman/reply_error.h"
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
    out.created = text_in(row, "CreatedAt");
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

// One that could not be removed is a row with an error and fails the whole: one label, one volume.
Result<std::vector<std::string>> read_volume_prune(std::string_view body) {
    ASSIGN_OR_RETURN(const Json rows, parse_json(body, "what was removed of the volumes"));
    if (!rows.is_array() && !rows.is_null()) {
        return fail(Code::Corrupt, "cannot read which volumes were removed: podman sent no list");
    }
    std::vector<std::string> names;
    for (const Json& row : rows) {
        const std::string name = text_in(row, "Id");
        if (const std::string why = text_in(row, "Err"); !why.empty()) {
            return fail(Code::Internal, fmt::format("cannot remove volume {}: {}",
                                                    podman_words(name), podman_words(why)));
        }
        names.push_back(name);
    }
    return names;
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
