#include "manifests/kube/resources.h"

#include <fmt/format.h>

#include "manifests/quantity.h"

namespace podreeve::manifests::kube {
namespace {

using Parser = std::optional<std::int64_t> (*)(std::string_view);

std::optional<std::int64_t> read_quantity(const Place& place, Parser parse, const char* examples) {
    const auto text = place.text(Reading::Verbatim);
    if (!text) {
        return std::nullopt;
    }
    const auto value = parse(*text);
    if (!value) {
        place.fail(fmt::format("'{}' is not a quantity", *text), examples);
    }
    // Kubernetes and podman both take nothing for no limit.
    return value && *value == 0 ? std::nullopt : value;
}

struct Amounts {
    std::optional<std::int64_t> cpu;
    std::optional<std::int64_t> memory;
};

Amounts read_amounts(const Place& place) {
    if (!place.check_fields(fields::kResourceList)) {
        return {};
    }
    return {read_quantity(place["cpu"], parse_milli_quantity, "500m, 1.5, 2"),
            read_quantity(place["memory"], parse_quantity, "64Mi, 1G, 1e9")};
}

void check_order(const Place& request,
                 std::optional<std::int64_t> requested,
                 std::optional<std::int64_t> limit) {
    if (requested && limit && *requested > *limit) {
        request.fail("is more than the limit");
    }
}

}  // namespace

Resources read_resources(const Place& resources) {
    Resources out;
    if (!resources.check_fields(fields::kResources)) {
        return out;
    }
    const Amounts limits = read_amounts(resources["limits"]);
    const Amounts requests = read_amounts(resources["requests"]);
    check_order(resources["requests"]["cpu"], requests.cpu, limits.cpu);
    check_order(resources["requests"]["memory"], requests.memory, limits.memory);
    out.cpu_milli_limit = limits.cpu;
    out.memory_limit = limits.memory;
    out.cpu_milli_request = requests.cpu;
    out.memory_reservation = requests.memory;
    return out;
}

}  // namespace podreeve::manifests::kube
