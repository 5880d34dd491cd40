#include "runtime/podman/json_fields.h"
#include "runtime/podman/wire.h"

namespace podreeve::podman::wire {

Result<ImageDetails> read_image(std::string_view body) {
    ASSIGN_OR_RETURN(const Json reply, parse_json(body, "an image"));
    ImageDetails out;
    out.id = text_in(reply, "Id");
    if (out.id.empty()) {
        return fail(Code::Corrupt, "cannot read an image: podman sent none");
    }
    const Json& config = child_in(reply, "Config");
    out.digest = text_in(reply, "Digest");
    out.names = texts_in(reply, "RepoTags");
    out.entrypoint = texts_in(config, "Entrypoint");
    out.command = texts_in(config, "Cmd");
    out.labels = text_map_in(reply, "Labels");
    return out;
}

Result<PullLine> read_pull_line(std::string_view line) {
    ASSIGN_OR_RETURN(const Json reply, parse_json(line, "the progress of a pull"));
    PullLine out;
    out.progress = text_in(reply, "stream");
    out.error = text_in(reply, "error");
    if (out.error.empty() && reply.is_object() && reply.contains("cause")) {
        out.error = text_in(reply, "message");
    }
    out.id = text_in(reply, "id");
    return out;
}

}  // namespace podreeve::podman::wire
