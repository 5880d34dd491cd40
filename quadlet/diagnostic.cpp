#include "quadlet/diagnostic.h"

#include <algorithm>

#include <fmt/format.h>

namespace podreeve::quadlet {

std::string to_text(const Diagnostic& diagnostic) {
    std::string text = diagnostic.file;
    if (diagnostic.position.line > 0) {
        text += fmt::format(":{}:{}", diagnostic.position.line, diagnostic.position.column);
    }
    text += diagnostic.severity == Severity::Warning ? ": warning: " : ": ";
    if (!diagnostic.path.empty()) {
        text += diagnostic.path + ": ";
    }
    text += diagnostic.message;
    if (!diagnostic.allowed.empty()) {
        text += "; allowed: " + diagnostic.allowed;
    }
    if (!diagnostic.nearest.empty()) {
        text += fmt::format("; did you mean '{}'?", diagnostic.nearest);
    }
    return text;
}

bool has_errors(const std::vector<Diagnostic>& diagnostics) {
    return std::any_of(diagnostics.begin(), diagnostics.end(),
                       [](const Diagnostic& each) { return each.severity == Severity::Error; });
}

}  // namespace podreeve::quadlet
