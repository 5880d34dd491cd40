#include "runtime/base/diagnostic.h"

#include <algorithm>

#include <fmt/format.h>

#include "runtime/base/utf8.h"

namespace podreeve {

std::string to_text(const Diagnostic& diagnostic) {
    const SourcePosition& at = diagnostic.position;
    std::string text = at.file;
    if (at.line > 0) {
        text += fmt::format(":{}:{}", at.line, at.column);
    }
    text += text.empty() ? "" : ": ";
    if (diagnostic.severity == Severity::Warning) {
        text += "warning: ";
    }
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
    return clean_text(text);
}

bool has_errors(const std::vector<Diagnostic>& diagnostics) {
    return std::any_of(diagnostics.begin(), diagnostics.end(),
                       [](const Diagnostic& d) { return d.severity == Severity::Error; });
}

}  // namespace podreeve
