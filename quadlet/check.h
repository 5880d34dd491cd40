#pragma once

#include <vector>

#include "quadlet/podman_release.h"
#include "quadlet/unit.h"
#include "runtime/base/diagnostic.h"

namespace podreeve::quadlet {

// All that is wrong with one unit for the given podman, as far as it shows without the units it
// refers to (services.h looks at those): unknown sections and keys, keys of a newer podman, values
// of the wrong kind, keys that exclude or need each other. What Quadlet would silently drop or read
// as something else is an error; what works but is not what it seems is a warning. In the order of
// the files and their lines, and no more than UnitFile::kMaxErrors.
std::vector<Diagnostic> check(const Unit& unit, const PodmanRelease& podman);

// All that is wrong with a unit that was just read, also with the rest of a file with syntax
// errors.
std::vector<Diagnostic> problems_of(const Unit::Read& read, const PodmanRelease& podman);

// The findings of a check: makes a diagnostic at a setting, its key or its value.
class Findings {
  public:
    explicit Findings(const Unit& unit) : unit_(unit) {}

    Diagnostic& at_key(const Setting& setting, std::string message);
    Diagnostic& at_value(const Setting& setting, std::string message);
    // At the last assignment of the key in the unit's own section, which may be missing.
    Diagnostic& at(std::string_view key, std::string message);
    Diagnostic& at_file(std::string message);

    bool full() const { return found_.size() >= UnitFile::kMaxErrors; }

    std::vector<Diagnostic> take() { return std::move(found_); }

  private:
    Diagnostic& add(const Setting& setting, Position position, std::string message);

    const Unit& unit_;
    std::vector<Diagnostic> found_;
};

// What only whole units show, a function a topic; in check_unit.cpp.
void check_combinations(const Unit& unit, const PodmanRelease& podman, Findings& findings);

// The keys of [Unit] in which Quadlet (5.5 and later) replaces its own files' names by services'.
const std::vector<std::string>& dependency_keys();

}  // namespace podreeve::quadlet
