#include "runtime/podman/json_fields.h"
#include "runtime/podman/wire.h"

namespace podreeve::podman::wire {

Result<PlayReport> read_play_report(std::string_view body) {
    ASSIGN_OR_RETURN(const Json reply, parse_json(body, "what was played"));
    if (!reply.is_object()) {
        return fail(Code::Corrupt, "cannot read what was played: podman sent no report");
    }
    PlayReport out;
    out.service_container_id = text_in(reply, "ServiceContainerID");
    const Json& pods = child_in(reply, "Pods");
    if (pods.is_array()) {
        for (const Json& pod : pods) {
            out.pods.push_back({text_in(pod, "ID"), texts_in(pod, "Containers"),
                                texts_in(pod, "InitContainers"), texts_in(pod, "ContainerErrors")});
        }
    }
    return out;
}

}  // namespace podreeve::podman::wire
