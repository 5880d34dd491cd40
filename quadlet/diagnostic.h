#pragma once

#include <string>
#include <vector>

#include "quadlet/unit_file.h"

namespace podreeve::quadlet {

enum class Severity { Error, Warning };

// One thing wrong with a unit's files, enough for a person to mend it. All of them are found at
// once. The fields are those of a manifest's diagnostic.
struct Diagnostic {
    std::string file;     // the path it was read from: of the unit or of a drop-in
    Position position;    // {0, 0} where the whole file is meant
    std::string path;     // "[Container] Imge"; may be empty
    std::string message;  // "unknown key"
    std::string allowed;  // what may stand there instead; may be empty
    std::string nearest;  // "Image", when something close is known
    Severity severity = Severity::Error;
    friend bool operator==(const Diagnostic&, const Diagnostic&) = default;
};

// "web.container:7:1: [Container] Imge: unknown key; allowed: …; did you mean 'Image'?"
std::string to_text(const Diagnostic& diagnostic);
bool has_errors(const std::vector<Diagnostic>& diagnostics);

}  // namespace podreeve::quadlet
