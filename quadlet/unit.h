#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "quadlet/names.h"
#include "quadlet/unit_file.h"
#include "runtime/base/diagnostic.h"

namespace podreeve::quadlet {

// The text of a unit's file or of a drop-in, and where it lies. Relative paths in a unit count from
// the folder of its own file, so that path should be the one it is installed under.
struct UnitText {
    std::string path;
    std::string text;
};

// An assignment and the file it stands in: 0 is the unit's own, 1 the first drop-in.
struct Setting {
    Entry entry;
    std::size_t file = 0;
};

// A Quadlet unit: its file with its drop-ins merged, as the generator sees it. A value; no I/O.
// The lookups read values as the generator does; a value that it would drop (an unknown escape, an
// open quote) is dropped here too, and check() reports it.
class Unit {
  public:
    struct Read;

    // The drop-ins as effective_drop_ins() orders them. All syntax errors of all files are
    // reported.
    static Read read(const UnitText& file, const std::vector<UnitText>& drop_ins = {});

    const UnitName& name() const { return name_; }

    UnitType type() const { return name_.type; }

    // The section of its type: "Container".
    std::string_view section() const { return section_name(name_.type); }

    const std::string& file_name() const { return file_name_; }

    const std::string& path() const { return paths_.front(); }

    // Of its file and its drop-ins.
    const std::vector<std::string>& paths() const { return paths_; }

    std::string folder() const;

    const std::string& path_of(const Setting& setting) const { return paths_[setting.file]; }

    const std::vector<Setting>& settings() const { return settings_; }

    bool has_section(std::string_view section) const;
    // The last assignment; null when there is none.
    const Setting* find(std::string_view section, std::string_view key) const;

    // Every assignment since the last empty one.
    std::vector<const Setting*> assignments(std::string_view section, std::string_view key) const;

    // The last value, a pair of double quotes around all of it taken off; "" when it is set empty.
    std::optional<std::string> value(std::string_view section, std::string_view key) const;
    // true for 1, yes, true, on, false for all else.
    std::optional<bool> flag(std::string_view section, std::string_view key) const;
    // The values of assignments().
    std::vector<std::string> list(std::string_view section, std::string_view key) const;
    // The words of the list, without quotes; backslashes stay.
    std::vector<std::string> words(std::string_view section, std::string_view key) const;
    // The words of the list, without quotes and with C escapes resolved.
    std::vector<std::string> arguments(std::string_view section, std::string_view key) const;
    // The same of the last value alone.
    std::vector<std::string> last_arguments(std::string_view section, std::string_view key) const;
    // The arguments as NAME=VALUE, the last of a name status; no value for a bare NAME.
    std::map<std::string, std::optional<std::string>> pairs(std::string_view section,
                                                            std::string_view key) const;

  private:
    UnitName name_;
    std::string file_name_;
    std::vector<std::string> paths_;
    std::vector<std::string> sections_;
    std::vector<Setting> settings_;
};

struct Unit::Read {
    std::optional<Unit> unit;  // none when there are problems
    std::optional<Unit>
        fragment;  // then, what could be read; none when it is not known of what type
    std::vector<Diagnostic> problems;
};

}  // namespace podreeve::quadlet
