#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "manifests/model.h"
#include "manifests/node.h"
#include "manifests/place.h"
#include "manifests/unit_source.h"
#include "quadlet/unit.h"

// Companions as both the app dialect (`companions:`) and bare unit files give them. Each unit is
// checked as far as it shows without the others, against the newest podman that is known here: what
// an older one lacks shows on the host.
namespace podreeve::manifests {

// The texts that a manifest is made of, for the places of errors and for what `file:` names.
struct ManifestTexts {
    const std::string& file;
    const std::string& text;
    const std::vector<std::pair<std::string, std::string>>& drop_ins;
    const std::vector<UnitSource>& units;
};

// The list under `companions:`. Each item is a map with a name and a text, or with a file relative
// to the manifest; a word alone is such a file.
std::vector<CompanionSpec> read_companions(const Place& list,
                                           const std::string& app,
                                           const ManifestTexts& texts,
                                           std::vector<Diagnostic>& diagnostics);

// A file that `companions:` names.
struct NamedUnit {
    std::string file;  // relative to the manifest, as it is written
    SourcePosition position;
};

// All of them, before anything is checked. Cheap for a manifest that names none.
std::vector<NamedUnit> named_units(
    const std::string& file,
    const std::string& text,
    const std::vector<std::pair<std::string, std::string>>& drop_ins);

// Bare unit files as an app, which is called after what their names start with.
AppSpec read_quadlet(const std::string& file,
                     const std::vector<UnitSource>& units,
                     std::vector<Diagnostic>& diagnostics);

// The unit as Quadlet reads it, in that folder. Nothing when it cannot be read, which compile()
// refuses.
std::optional<quadlet::Unit> unit_of(const CompanionSpec& companion, const std::string& folder);

// The app that a bare unit file belongs to: "web" of web.container, web@.pod, web@a.container.
// Empty when it cannot be one's name.
std::string app_of_unit(const std::string& file_name);

}  // namespace podreeve::manifests
