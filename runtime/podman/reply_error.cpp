#include "runtime/podman/reply_error.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "runtime/base/secrets.h"
#include "runtime/base/utf8.h"
#include "runtime/podman/json_fields.h"

namespace podreeve::podman {
namespace {

struct ReasonWords {
    std::string cause, message;
};

// Some handlers of podman write a second body behind the error: only the first line counts then.
ReasonWords words_of(std::string_view body) {
    Json parsed = Json::parse(body, nullptr, false);
    if (parsed.is_discarded()) {
        parsed = Json::parse(body.substr(0, body.find('\n')), nullptr, false);
    }
    if (parsed.is_discarded()) {
        return {};
    }
    return {text_in(parsed, "cause"), text_in(parsed, "message")};
}

// What a request refers to may be absent without a 404: 4.3 says 500 of an image. "no such
// container" is not here: inside the removal of a pod it does not mean that the pod is gone.
bool says_absent(std::string_view cause) {
    return cause == "image not known" || cause == "network not found" || cause == "no such pod" ||
           cause == "no such volume";
}

Code code_of(int status, const ReasonWords& words) {
    // A prefix that fits two containers is a 404 as well, with this cause.
    if (status == 404) {
        return words.cause.find("already exists") == std::string::npos ? Code::NotFound
                                                                       : Code::Conflict;
    }
    if (says_absent(words.cause)) {
        return Code::NotFound;
    }
    if (status == 409 || words.cause == "container state improper" ||
        says_conflict(words.message)) {
        return Code::Conflict;
    }
    switch (status) {
        case 400:
            return Code::InvalidArgument;
        case 401:
        case 403:
            return Code::Denied;
        case 501:
            return Code::Unsupported;
        case 502:
        case 503:
            return Code::Unavailable;
        default:
            return words.cause == "invalid argument" ? Code::InvalidArgument : Code::Internal;
    }
}

}  // namespace

bool says_conflict(std::string_view message) {
    static constexpr std::string_view kPhrases[] = {
        "already in use",
        "name in use",
        "already exists",
        "already used",
        "is being used",
        "is the service container of",
        "has dependent containers",
        "can only kill running",
        "UNIQUE constraint failed",  // a rename to a name that is taken
    };
    return std::any_of(std::begin(kPhrases), std::end(kPhrases), [&](std::string_view phrase) {
        return message.find(phrase) != std::string_view::npos;
    });
}

Code code_of_pull(std::string_view message) {
    const auto says = [message](std::string_view phrase) {
        return message.find(phrase) != std::string_view::npos;
    };
    if (says("manifest unknown") || says("name unknown") || says("name not known")) {
        return Code::NotFound;
    }
    return says("unauthorized") || says("access to the resource is denied") ? Code::Denied
                                                                            : Code::Unavailable;
}

std::string podman_words(std::string_view said) {
    constexpr std::size_t kMost = 2000;
    while (!said.empty() && (said.back() == '\n' || said.back() == ' ')) {
        said.remove_suffix(1);
    }
    return clean_text(said, kMost);
}

Error reply_error(const http::Response& reply,
                  std::string_view what,
                  const std::vector<std::string>& secrets) {
    const ReasonWords words = words_of(reply.body);
    const std::string said = words.message.empty()
                                 ? fmt::format("answered {} without a reason", reply.status)
                                 : podman_words(without_secrets(words.message, secrets));
    return Error{code_of(reply.status, words), fmt::format("cannot {}: podman: {}", what, said)};
}

}  // namespace podreeve::podman
