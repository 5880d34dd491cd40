#include "runtime/podman/json_fields.h"
#include "runtime/podman/wire.h"

namespace podreeve::podman::wire {

Result<Info> read_info(std::string_view body) {
    ASSIGN_OR_RETURN(const Json reply, parse_json(body, "podman's information"));
    const Json& host = child_in(reply, "host");
    const Json& store = child_in(reply, "store");
    Info out;
    out.version = text_in(child_in(reply, "version"), "Version");
    out.event_logger = text_in(host, "eventLogger");
    out.cgroup_version = text_in(host, "cgroupVersion");
    out.cgroup_manager = text_in(host, "cgroupManager");
    out.runtime = text_in(child_in(host, "ociRuntime"), "name");
    out.rootless = flag_in(child_in(host, "security"), "rootless");
    out.graph_root = text_in(store, "graphRoot");
    out.volume_path = text_in(store, "volumePath");
    return out;
}

}  // namespace podreeve::podman::wire
