#pragma once

#include <string>
#include <string_view>

namespace podreeve {

// What kind of failure it was, so far as a caller branches on it. Everything finer is in the
// message.
enum class Code {
    InvalidArgument,  // the caller or a manifest asked for something that cannot be
    NotFound,
    Conflict,     // something else holds the name, the port, the lock
    Denied,       // permissions, peer's uid
    Unavailable,  // the other side is not there, refuses, or broke off; trying again makes sense
    Timeout,
    Cancelled,
    Unsupported,  // this podman, systemd or podreeve cannot do it
    Corrupt,      // what was read is not what was once written
    Internal,     // a bug here
};

// A failure of the environment, as a value. Messages start with "cannot …", in lower case, and name
// the subject; secrets are never put in.
struct Error {
    Code code = Code::Internal;
    std::string message;

    friend bool operator==(const Error&, const Error&) = default;
};

// The one table that says what a code means at the edges: its name in JSON, its HTTP status,
// whether a retry can help, and the exit code of a command.
struct CodeTraits {
    Code code;
    std::string_view name;
    int http_status;
    bool retryable;
    int exit_code;
};

const CodeTraits& traits(Code code);
std::string_view to_string(Code code);
// The code of that name; Internal for a name that no version of podreeve has used.
Code code_from_name(std::string_view name);

// error, said from one layer further up: "cannot start web: " + what it was.
Error wrap(std::string_view context, const Error& error);

// The errno of a failed system call as an Error: "cannot open /x: No such file or directory".
Error errno_error(std::string_view what, int error_number);

}  // namespace podreeve
