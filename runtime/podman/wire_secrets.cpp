#include "runtime/podman/json_fields.h"
#include "runtime/podman/wire.h"

namespace podreeve::podman::wire {

Result<std::vector<SecretDetails>> read_secret_list(std::string_view body) {
    ASSIGN_OR_RETURN(const Json rows, parse_json(body, "the list of secrets"));
    if (!rows.is_array() && !rows.is_null()) {
        return fail(Code::Corrupt, "cannot read the list of secrets: podman sent no list");
    }
    std::vector<SecretDetails> out;
    for (const Json& row : rows) {
        const Json& spec = child_in(row, "Spec");
        out.push_back({text_in(row, "ID"), text_in(spec, "Name"), text_map_in(spec, "Labels")});
    }
    return out;
}

}  // namespace podreeve::podman::wire
