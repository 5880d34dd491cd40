#pragma once

#include <string>
#include <string_view>

namespace podreeve::manifests {

// [a-z0-9]([-a-z0-9]*[a-z0-9])?, at most 63: an app, a container or a pod as Kubernetes names them.
bool is_label(std::string_view name);

// Labels joined by dots, at most 253: a ConfigMap, a claim, a pod's metadata.name.
bool is_subdomain(std::string_view name);

// A key of a ConfigMap or Secret, which may become a file's name: [-._a-zA-Z0-9]+, not "." or "..".
bool is_data_key(std::string_view key);

// Relative, not empty, without "..": what may be joined to a volume's root.
bool is_inner_path(std::string_view path);

// [host[:port]/]path[:tag][@digest], by its characters and separators; the digest is one of SHA-2,
// whole.
bool is_image_reference(std::string_view image);

// The tag is "latest" or missing, and there is no digest.
bool is_latest(std::string_view image);

inline constexpr std::string_view kLabelRule =
    "lower-case letters, digits and '-', a letter or digit first and last, at most 63";
inline constexpr std::string_view kSubdomainRule =
    "lower-case letters, digits, '-' and '.', a letter or digit first and last, at most 253";

}  // namespace podreeve::manifests
