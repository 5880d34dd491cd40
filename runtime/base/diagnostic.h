#pragma once

#include <string>
#include <vector>

// What people are told of the files they write: manifests and unit files. Plain values; any thread.
namespace podreeve {

// Lines and columns count from 1; 0 where the whole file is meant.
struct SourcePosition {
    std::string file;
    int line = 0;
    int column = 0;
    friend bool operator==(const SourcePosition&, const SourcePosition&) = default;
};

enum class Severity { Error, Warning };

// One thing wrong with a file, enough for a person to mend it. All of them are found at once.
struct Diagnostic {
    SourcePosition position;
    std::string path;     // "spec.containers[0].imge", "[Container] Imge"; may be empty
    std::string message;  // "unknown field"
    std::string allowed;  // what may stand there instead; may be empty
    std::string nearest;  // "image", when something close is known
    Severity severity = Severity::Error;
    friend bool operator==(const Diagnostic&, const Diagnostic&) = default;
};

// "web.yaml:7:9: spec.containers[0].imge: unknown field; allowed: args, …; did you mean 'image'?"
std::string to_text(const Diagnostic& diagnostic);

bool has_errors(const std::vector<Diagnostic>& diagnostics);

}  // namespace podreeve
