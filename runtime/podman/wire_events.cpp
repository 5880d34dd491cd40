#include "runtime/podman/json_fields.h"
#include "runtime/podman/reply_error.h"
#include "runtime/podman/wire.h"

namespace podreeve::podman::wire {

Result<PodmanEvent> read_event(std::string_view line) {
    ASSIGN_OR_RETURN(const Json reply, parse_json(line, "an event"));
    PodmanEvent out;
    out.type = text_in(reply, "Type");
    if (out.type.empty()) {
        const std::string said = podman_words(text_in(reply, "message"));
        return fail(Code::Internal, "cannot read an event: podman: " +
                                        (said.empty() ? std::string("sent something else") : said));
    }
    const Json& actor = child_in(reply, "Actor");
    out.action = text_in(reply, "Action");
    out.id = text_in(actor, "ID");
    out.attributes = text_map_in(actor, "Attributes");
    const auto name = out.attributes.find("name");
    out.name = name == out.attributes.end() ? std::string() : name->second;
    out.time_nano = number_in(reply, "timeNano");
    return out;
}

}  // namespace podreeve::podman::wire
