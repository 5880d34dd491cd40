#pragma once

#include <utility>

#include <tl/expected.hpp>

#include "runtime/base/error.h"

namespace podreeve {

// A value or an Error. tl::expected itself may be dropped without a word; this may not.
template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
  public:
    using tl::expected<T, Error>::expected;

    Result(Error error) : tl::expected<T, Error>(tl::unexpect, std::move(error)) {}
};

using Status = Result<void>;

inline tl::unexpected<Error> fail(Code code, std::string message) {
    return tl::unexpected<Error>(Error{code, std::move(message)});
}

}  // namespace podreeve

#define PODREEVE_CONCAT_INNER(a, b) a##b
#define PODREEVE_CONCAT(a, b) PODREEVE_CONCAT_INNER(a, b)

#define RETURN_IF_ERROR(expr)                                                               \
    do {                                                                                    \
        if (auto podreeve_status = (expr); !podreeve_status) {                              \
            return ::tl::unexpected<::podreeve::Error>(std::move(podreeve_status.error())); \
        }                                                                                   \
    } while (false)

#define ASSIGN_OR_RETURN(target, expr) \
    ASSIGN_OR_RETURN_INNER(PODREEVE_CONCAT(podreeve_result_, __LINE__), target, expr)
#define ASSIGN_OR_RETURN_INNER(tmp, target, expr)                           \
    auto tmp = (expr);                                                      \
    if (!tmp) {                                                             \
        return ::tl::unexpected<::podreeve::Error>(std::move(tmp.error())); \
    }                                                                       \
    target = std::move(*tmp)
