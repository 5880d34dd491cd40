#include "manifests/companions.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "manifests/merge.h"
#include "manifests/names.h"
#include "manifests/words.h"
#include "manifests/yaml.h"
#include "quadlet/check.h"
#include "quadlet/drop_ins.h"
#include "quadlet/stamp.h"
#include "runtime/base/nearest.h"
#include "runtime/base/utf8.h"

namespace podreeve::manifests {
namespace {

constexpr const char* kUnitFiles =
    "NAME and one of .container, .pod, .kube, .volume, .network, .image, .build";

std::string last_part(const std::string& path) {
    return std::filesystem::path(path).filename().string();
}

// Where the lines of a text within a manifest stand in the manifest's file.
class InlinePlace {
  public:
    InlinePlace(const Place& place, const ManifestTexts& texts) : at_(place.position()) {
        const std::string_view source = text_of(at_.file, texts);
        std::string_view rest = after_lines(source, at_.line - 1);
        const std::string_view first = rest.substr(0, rest.find('\n'));
        const auto column = static_cast<std::size_t>(std::max(at_.column - 1, 0));
        is_block_ = column < first.size() && first[column] == '|';
        for (rest = after_lines(rest, 1); is_block_ && !rest.empty(); rest = after_lines(rest, 1)) {
            const std::string_view line = rest.substr(0, rest.find('\n'));
            const std::size_t indent = line.find_first_not_of(" \r");
            if (indent != std::string_view::npos) {
                indent_ = static_cast<int>(indent);
                return;
            }
        }
    }

    // Of a text that is not written as a block only the beginning is known.
    SourcePosition of(const SourcePosition& within) const {
        if (!is_block_ || within.line == 0) {
            return at_;
        }
        return {at_.file, at_.line + within.line, within.column + indent_};
    }

  private:
    static std::string_view text_of(const std::string& file, const ManifestTexts& texts) {
        for (const auto& [name, text] : texts.drop_ins) {
            if (name == file) {
                return text;
            }
        }
        return texts.text;
    }

    static std::string_view after_lines(std::string_view text, int count) {
        for (; count > 0 && !text.empty(); --count) {
            const std::size_t end = text.find('\n');
            text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
        }
        return text;
    }

    SourcePosition at_;
    bool is_block_ = false;
    int indent_ = 0;
};

std::vector<quadlet::UnitText> texts_of(const UnitSource& source) {
    std::vector<quadlet::UnitText> out;
    for (const auto& [path, text] : source.drop_ins) {
        out.push_back({path, text});
    }
    return out;
}

// Its own marks are what podreeve knows an installed unit by.
void find_marks(const UnitSource& source, const quadlet::Unit& unit, std::vector<Diagnostic>& out) {
    if (unit.has_section(quadlet::kStampSection)) {
        SourcePosition at{source.path};
        for (const quadlet::Setting& setting : unit.settings()) {
            if (setting.entry.section == quadlet::kStampSection) {
                at = {unit.path_of(setting), setting.entry.key_at.line,
                      setting.entry.key_at.column};
                break;
            }
        }
        out.push_back({at, fmt::format("[{}]", quadlet::kStampSection),
                       "is what podreeve writes into the units it installs; leave it out", "", ""});
    }
    for (const auto& [path, text] : source.drop_ins) {
        if (last_part(path) == quadlet::kOwnDropIn) {
            out.push_back(
                {{path}, "", "is the name of podreeve's own drop-in; take another", "", ""});
        }
    }
}

void check_drop_in_names(const UnitSource& source, std::vector<Diagnostic>& out) {
    for (const auto& [path, text] : source.drop_ins) {
        if (!quadlet::is_drop_in_name(last_part(path))) {
            out.push_back({{path},
                           "",
                           fmt::format("cannot use '{}' as a drop-in: its name has bytes that are "
                                       "not UTF-8, or control characters; rename it",
                                       clean_text(last_part(path))),
                           "",
                           ""});
        }
    }
}

std::vector<Diagnostic> problems_of(const UnitSource& source) {
    const auto read = quadlet::Unit::read({source.path, source.text}, texts_of(source));
    std::vector<Diagnostic> out = quadlet::problems_of(read, quadlet::kNewestRelease);
    if (const auto& unit = read.unit ? read.unit : read.fragment) {
        find_marks(source, *unit, out);
    }
    check_drop_in_names(source, out);
    return out;
}

std::vector<UnitDropIn> drop_ins_of(const UnitSource& source) {
    std::vector<UnitDropIn> out;
    for (const auto& [path, text] : source.drop_ins) {
        out.push_back({last_part(path), text});
    }
    return out;
}

void move_into(std::vector<Diagnostic>& out, std::vector<Diagnostic> more) {
    std::move(more.begin(), more.end(), std::back_inserter(out));
}

class CompanionReader {
  public:
    CompanionReader(const std::string& app,
                    const ManifestTexts& texts,
                    std::vector<Diagnostic>& diagnostics)
        : app_(app), texts_(texts), diagnostics_(diagnostics) {}

    void read(const Place& place) {
        if (place.is_scalar()) {
            CompanionSpec out;
            out.position = place.position();
            if (read_file(place, out)) {
                keep(place, std::move(out));
            }
            return;
        }
        if (!place.check_fields(fields::kCompanion)) {
            return;
        }
        CompanionSpec out;
        out.position = place.position();
        if (read_source(place, out)) {
            read_settings(place, out);
            keep(place, std::move(out));
        }
    }

    // Once all are known.
    std::vector<CompanionSpec> take() {
        for (const auto& [place, part] : to_companions_) {
            if (by_part_.count(part) == 0) {
                std::vector<std::string> names;
                for (const auto& [name, spec] : by_part_) {
                    names.push_back(name);
                }
                place.fail(fmt::format("this app has no companion {}", part),
                           fmt::format("{}", fmt::join(names, ", ")), nearest_name(part, names));
            }
        }
        std::vector<CompanionSpec> out;
        for (auto& [part, spec] : by_part_) {
            out.push_back(std::move(spec));
        }
        return out;
    }

  private:
    bool read_source(const Place& place, CompanionSpec& out) {
        const Place file = place["file"];
        const Place text = place["text"];
        if (file.present() == text.present()) {
            place.fail(
                file.present() ? "has a file and a text; one of them is the unit" : "has no unit",
                "file: NAME.container, or name: NAME.container and text: |");
            return false;
        }
        if (file.present()) {
            return read_file(file, out) && names_agree(place["name"], out);
        }
        if (!place["name"].require()) {
            return false;
        }
        out.part = place["name"].required_text(Reading::Verbatim).value_or("");
        out.text = text.text(Reading::Verbatim).value_or("");
        return check_name(place["name"], out.part) && check_text(text, out);
    }

    bool names_agree(const Place& name, const CompanionSpec& out) const {
        const auto written = name.text(Reading::Verbatim);
        if (written && *written != out.part) {
            name.fail(fmt::format("the file is called {}", out.part));
            return false;
        }
        return true;
    }

    bool check_name(const Place& place, const std::string& name) const {
        const auto parsed = quadlet::parse_unit_name(name);
        if (!parsed) {
            place.fail(parsed.error().message, kUnitFiles);
        }
        return parsed.has_value();
    }

    bool read_file(const Place& place, CompanionSpec& out) {
        const auto file = place.required_text(Reading::Verbatim);
        if (!file) {
            return false;
        }
        if (!is_inner_path(*file)) {
            place.fail(fmt::format("'{}' is not a path below the manifest's directory", *file));
            return false;
        }
        out.part = last_part(*file);
        if (!check_name(place, out.part)) {
            return false;
        }
        const std::filesystem::path path = std::filesystem::path(texts_.file).parent_path() / *file;
        const auto source = std::find_if(
            texts_.units.begin(), texts_.units.end(),
            [&](const UnitSource& unit) { return std::filesystem::path(unit.path) == path; });
        if (source == texts_.units.end()) {
            place.fail(fmt::format("there is no file {}", path.string()));
            return false;
        }
        if (!source->trouble.empty()) {
            place.fail(fmt::format("{} {}", path.string(), source->trouble));
            return false;
        }
        out.text = source->text;
        out.drop_ins = drop_ins_of(*source);
        move_into(diagnostics_, problems_of(*source));
        return true;
    }

    bool check_text(const Place& place, const CompanionSpec& spec) {
        if (!place.is_scalar()) {
            return false;
        }
        const InlinePlace where(place, texts_);
        for (Diagnostic& problem : problems_of({spec.part, spec.text, {}})) {
            problem.position = where.of(problem.position);
            problem.path = problem.path.empty() ? place.path()
                                                : fmt::format("{}: {}", place.path(), problem.path);
            diagnostics_.push_back(std::move(problem));
        }
        return true;
    }

    void read_settings(const Place& place, CompanionSpec& out) {
        if (const auto word = place["restart"].one_of(kUnitRestartWords)) {
            out.restart = unit_restart_of(*word);
        }
        read_instances(place["instances"], out);
        for (const Place& item : place["depends_on"].items()) {
            const auto dependency = read_dependency(item, app_);
            if (!dependency) {
                continue;
            }
            if (!dependency->companion.empty()) {
                if (dependency->app != app_) {
                    item.fail("a companion can wait for apps and for companions of its own app");
                    continue;
                }
                to_companions_.emplace_back(item, dependency->companion);
            }
            add_dependency(item, *dependency, out.depends_on);
        }
    }

    void read_instances(const Place& place, CompanionSpec& out) const {
        const auto name = quadlet::parse_unit_name(out.part);
        if (place.present() && !(name->templated && name->instance.empty())) {
            place.fail_at_key(
                fmt::format("{} is not a template, which has a '@' before its ending", out.part));
            return;
        }
        std::set<std::string> instances;
        for (const Place& item : place.items()) {
            const auto instance = item.required_text(Reading::Verbatim);
            const auto file = instance ? quadlet::instance_of(out.part, *instance)
                                       : Result<std::string>(std::string());
            if (!file) {
                item.fail(file.error().message);
            } else if (instance && !instances.insert(*instance).second) {
                item.fail("is there twice");
            }
        }
        out.instances.assign(instances.begin(), instances.end());
    }

    void keep(const Place& place, CompanionSpec spec) {
        std::string part = spec.part;
        if (!by_part_.emplace(part, std::move(spec)).second) {
            place.fail(fmt::format("there is a companion {} already", part));
        }
    }

    const std::string& app_;
    const ManifestTexts& texts_;
    std::vector<Diagnostic>& diagnostics_;
    std::map<std::string, CompanionSpec> by_part_;
    std::vector<std::pair<Place, std::string>> to_companions_;
};

}  // namespace

std::vector<CompanionSpec> read_companions(const Place& list,
                                           const std::string& app,
                                           const ManifestTexts& texts,
                                           std::vector<Diagnostic>& diagnostics) {
    CompanionReader reader(app, texts, diagnostics);
    for (const Place& item : list.items()) {
        reader.read(item);
    }
    return reader.take();
}

std::vector<NamedUnit> named_units(
    const std::string& file,
    const std::string& text,
    const std::vector<std::pair<std::string, std::string>>& drop_ins) {
    const auto speaks_of_them = [](const std::string& each) {
        return each.find("companions") != std::string::npos;
    };
    std::vector<NamedUnit> out;
    if (!speaks_of_them(text) &&
        std::none_of(drop_ins.begin(), drop_ins.end(),
                     [&](const auto& drop_in) { return speaks_of_them(drop_in.second); })) {
        return out;
    }
    std::vector<Diagnostic> unreported;  // compile() finds them again
    std::vector<NodePtr> documents = read_yaml(file, text).documents;
    for (const auto& [name, drop_in] : drop_ins) {
        merge_documents(documents, read_yaml(name, drop_in).documents, unreported);
    }
    for (const NodePtr& document : documents) {
        for (const Place& item : Place(*document, "", unreported)["app"]["companions"].items()) {
            const Place named = item.is_scalar() ? item : item["file"];
            const auto path = named.text(Reading::Verbatim);
            if (path && is_inner_path(*path)) {
                out.push_back({*path, named.position()});
            }
        }
    }
    return out;
}

std::optional<quadlet::Unit> unit_of(const CompanionSpec& companion, const std::string& folder) {
    const std::string path = folder + "/" + companion.part;
    std::vector<quadlet::UnitText> drop_ins;
    for (const UnitDropIn& drop_in : companion.drop_ins) {
        drop_ins.push_back({fmt::format("{}.d/{}", path, drop_in.name), drop_in.text});
    }
    return quadlet::Unit::read({path, companion.text}, drop_ins).unit;
}

std::string app_of_unit(const std::string& file_name) {
    const auto name = quadlet::parse_unit_name(file_name);
    return name && is_label(name->prefix) ? name->prefix : std::string();
}

AppSpec read_quadlet(const std::string& file,
                     const std::vector<UnitSource>& units,
                     std::vector<Diagnostic>& diagnostics) {
    AppSpec app;
    app.dialect = Dialect::Quadlet;
    app.name = app_of_unit(last_part(file));
    app.display_name = app.name;
    if (app.name.empty()) {
        diagnostics.push_back({{file},
                               "",
                               fmt::format("the file's name up to '@' or '.' is the app's, and "
                                           "that of '{}' cannot be one",
                                           clean_text(last_part(file))),
                               std::string(kLabelRule),
                               ""});
    }
    for (const UnitSource& unit : units) {
        move_into(diagnostics, problems_of(unit));
        CompanionSpec companion;
        companion.part = last_part(unit.path);
        companion.text = unit.text;
        companion.drop_ins = drop_ins_of(unit);
        companion.position = {unit.path};
        app.companions.push_back(std::move(companion));
    }
    std::sort(app.companions.begin(), app.companions.end(),
              [](const auto& a, const auto& b) { return a.part < b.part; });
    return app;
}

}  // namespace podreeve::manifests
