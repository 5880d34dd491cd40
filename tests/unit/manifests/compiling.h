#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "manifests/source.h"

namespace podreeve::manifests {

// The texts of all diagnostics, in order.
inline std::vector<std::string> errors_of(const std::string& text,
                                          const std::string& file = "web.yaml") {
    std::vector<std::string> out;
    for (const Diagnostic& diagnostic : compile(file, text).diagnostics) {
        out.push_back(to_text(diagnostic));
    }
    return out;
}

// The app of a text that has to be right.
inline AppSpec app_of(const std::string& text, const std::string& file = "web.yaml") {
    const Compiled compiled = compile(file, text);
    for (const Diagnostic& diagnostic : compiled.diagnostics) {
        ADD_FAILURE() << to_text(diagnostic);
    }
    return compiled.app ? *compiled.app : AppSpec{};
}

// A pod named "web" with one container named "c"; more goes into the container, spec into the pod.
// Both are written without indentation.
std::string pod_text(const std::string& container, const std::string& spec = "");

// The container of pod_text's pod.
ContainerSpec container_of(const std::string& container,
                           const std::string& spec = "",
                           const std::string& more_documents = "");

inline std::vector<std::string> pod_errors(const std::string& container,
                                           const std::string& spec = "",
                                           const std::string& more_documents = "") {
    return errors_of(pod_text(container, spec) + more_documents);
}

}  // namespace podreeve::manifests
