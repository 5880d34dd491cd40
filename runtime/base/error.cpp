#include "runtime/base/error.h"

#include <array>
#include <cerrno>
#include <system_error>

#include <fmt/format.h>

namespace podreeve {
namespace {

constexpr std::array kTraits{
    CodeTraits{Code::InvalidArgument, "invalid-argument", 400, false, 1},
    CodeTraits{Code::NotFound, "not-found", 404, false, 1},
    CodeTraits{Code::Conflict, "conflict", 409, false, 1},
    CodeTraits{Code::Denied, "denied", 403, false, 1},
    CodeTraits{Code::Unavailable, "unavailable", 503, true, 1},
    CodeTraits{Code::Timeout, "timeout", 504, true, 1},
    CodeTraits{Code::Cancelled, "cancelled", 499, true, 1},
    CodeTraits{Code::Unsupported, "unsupported", 501, false, 1},
    CodeTraits{Code::Corrupt, "corrupt", 500, false, 1},
    CodeTraits{Code::Internal, "internal", 500, false, 1},
};

Code code_of_errno(int error_number) {
    switch (error_number) {
        case ENOENT:
        case ENOTDIR:
        case ESRCH:
            return Code::NotFound;
        case EACCES:
        case EPERM:
            return Code::Denied;
        case EEXIST:
        case EADDRINUSE:
        case EBUSY:
        case ENOTEMPTY:
            return Code::Conflict;
        case ECONNREFUSED:
        case ECONNRESET:
        case ECONNABORTED:
        case ENOTCONN:
        case ENETDOWN:
        case ENETUNREACH:
        case EHOSTDOWN:
        case EHOSTUNREACH:
        case EPIPE:
        case ENOSPC:
        case EDQUOT:
        case EROFS:
        case EAGAIN:
        case EMFILE:
        case ENFILE:
        case ENOMEM:
            return Code::Unavailable;
        case ETIMEDOUT:
            return Code::Timeout;
        case ECANCELED:
            return Code::Cancelled;
        case ENOSYS:
        case EOPNOTSUPP:
            return Code::Unsupported;
        case EINVAL:
        case EISDIR:
        case ELOOP:
        case ENAMETOOLONG:
            return Code::InvalidArgument;
        default:
            return Code::Internal;
    }
}

}  // namespace

const CodeTraits& traits(Code code) {
    for (const CodeTraits& row : kTraits) {
        if (row.code == code) {
            return row;
        }
    }
    return kTraits.back();
}

std::string_view to_string(Code code) {
    return traits(code).name;
}

Code code_from_name(std::string_view name) {
    for (const CodeTraits& row : kTraits) {
        if (row.name == name) {
            return row.code;
        }
    }
    return Code::Internal;
}

Error wrap(std::string_view context, const Error& error) {
    return {error.code, fmt::format("{}: {}", context, error.message)};
}

Error errno_error(std::string_view what, int error_number) {
    return {code_of_errno(error_number),
            fmt::format("cannot {}: {}", what,
                        std::error_code(error_number, std::generic_category()).message())};
}

}  // namespace podreeve
