#include "runtime/base/json_text.h"
#include "runtime/podman/json_fields.h"
#include "runtime/podman/wire.h"

namespace podreeve::podman::wire {

std::string write_exec_create(const std::vector<std::string>& command) {
    return json_text(Json{{"AttachStdout", true}, {"AttachStderr", true}, {"Cmd", command}});
}

Result<ExecSession> read_exec(std::string_view body) {
    ASSIGN_OR_RETURN(const Json found, parse_json(body, "a command in a container"));
    return ExecSession{flag_in(found, "Running"), static_cast<int>(number_in(found, "ExitCode")),
                       number_in(found, "Pid")};
}

}  // namespace podreeve::podman::wire
