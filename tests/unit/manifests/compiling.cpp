#include "tests/unit/manifests/compiling.h"

#include <sstream>

namespace podreeve::manifests {
namespace {

std::string indented(const std::string& text, int by) {
    std::istringstream lines(text);
    std::string out;
    for (std::string line; std::getline(lines, line);) {
        out += std::string(static_cast<std::size_t>(by), ' ') + line + "\n";
    }
    return out;
}

}  // namespace

std::string pod_text(const std::string& container, const std::string& spec) {
    return "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n" + indented(spec, 2) +
           "  containers:\n    - name: c\n      image: localhost/busybox:latest\n" +
           indented(container, 6);
}

ContainerSpec container_of(const std::string& container,
                           const std::string& spec,
                           const std::string& more_documents) {
    const AppSpec app = app_of(pod_text(container, spec) + more_documents);
    const ContainerSpec* found = app.find_container("web/c");
    EXPECT_NE(found, nullptr);
    return found != nullptr ? *found : ContainerSpec{};
}

}  // namespace podreeve::manifests
