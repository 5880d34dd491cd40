// Any bytes as a reply of podman, to each of its readers.

#include "runtime/podman/list_cutter.h"
#include "runtime/podman/reply_error.h"
#include "runtime/podman/wire.h"
#include "tests/fuzz/promise.h"

namespace podreeve::podman {
namespace {

using fuzz::promise;

template <class T>
void check(const Result<T>& read) {
    promise(read || fuzz::is_clean(read.error().message), "a refusal can be told");
}

// What is cut as it arrives, in whatever pieces, is the same list.
void check_cut(std::string_view body, std::size_t rows) {
    ListCutter cutter;
    for (std::size_t at = 0; at < body.size(); at += 7) {
        cutter.feed(body.substr(at, 7));
    }
    const auto cut = wire::read_container_list(cutter.text());
    promise(cut && cut->size() == rows, "no row is lost by cutting a list");
}

void check_lists(std::string_view body) {
    const auto containers = wire::read_container_list(body);
    check(containers);
    if (containers) {
        check_cut(body, containers->size());
    }
    if (containers) {
        for (const ContainerSummary& container : *containers) {
            promise(!to_string(container.state).empty(), "a state has a name");
        }
    }
    check(wire::read_pod_list(body));
    check(wire::read_volume_list(body));
    check(wire::read_volume_prune(body));
    check(wire::read_network_list(body));
    check(wire::read_secret_list(body));
}

void check_objects(std::string_view body) {
    check(wire::read_container(body));
    check(wire::read_pod(body));
    check(wire::read_id(body));
    check(wire::read_exec(body));
    check(wire::read_image(body));
    check(wire::read_volume(body));
    check(wire::read_play_report(body));
    check(wire::read_info(body));
}

void check_errors(std::string_view body) {
    check(wire::read_removal_errors(body));
    check(wire::read_pod_removal_errors(body));
    promise(fuzz::is_clean(podman_words(wire::read_pod_errors(body))), "what failed can be told");
    for (const int status : {404, 409, 500}) {
        const Error error = reply_error({status, {}, std::string(body)}, "look", {"secret"});
        promise(fuzz::is_clean(error.message), "an error can be told");
        promise(error.message.find("secret]") == error.message.find("[secret]") + 1 ||
                    error.message.find("secret") == std::string::npos,
                "no secret is told");
    }
}

}  // namespace
}  // namespace podreeve::podman

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view body = podreeve::fuzz::text_of(data, size);
    podreeve::podman::check_lists(body);
    podreeve::podman::check_objects(body);
    podreeve::podman::check_errors(body);
    return 0;
}
