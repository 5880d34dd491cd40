#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace podreeve::manifests {

// A Kubernetes quantity ("500m", "1.5", "1Gi", "100M", "1e3") in thousandths, rounded up. Nothing
// when it is none, is negative, or does not fit.
std::optional<std::int64_t> parse_milli_quantity(std::string_view text);

// The same in whole units, rounded up: bytes.
std::optional<std::int64_t> parse_quantity(std::string_view text);

// Memory as podman's --memory and the app dialect write it: 512m, 1g, 256Mi, 1024. A unit is a
// power of 1024 whatever its letter's case; "512M" is 512 MiB. Bytes.
std::optional<std::int64_t> parse_memory(std::string_view text);

}  // namespace podreeve::manifests
