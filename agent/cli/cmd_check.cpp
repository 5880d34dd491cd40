// podreeve check PATH…: reads manifests as the agent would, and says all that is wrong with them.
#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/cli/commands.h"
#include "agent/cli/output.h"
#include "manifests/files.h"
#include "manifests/source.h"

namespace podreeve::cli {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

struct Report {
    std::vector<Diagnostic> diagnostics;
    std::map<std::string, std::shared_ptr<const manifests::AppSpec>> apps;
    std::set<std::string> broken;  // apps that have a manifest among them, with errors
    std::set<fs::path> named;      // the unit files that manifests name
    std::size_t files = 0;
    json specs = json::array();
};

void complain(Report& report,
              const std::string& file,
              std::string message,
              Severity severity = Severity::Error) {
    report.diagnostics.push_back({{file, 0, 0}, "", std::move(message), "", "", severity});
}

void check_manifest(const manifests::FoundManifest& found, Report& report) {
    ++report.files;
    const manifests::Texts texts = manifests::read_texts(found, ::geteuid(), report.diagnostics);
    for (const manifests::FoundUnit& unit : texts.named) {
        report.named.insert(unit.file.path);
    }
    if (!texts.good) {
        report.broken.insert(found.main.path.stem().string());
        return;
    }
    manifests::Compiled compiled = manifests::compile(texts.text);
    report.diagnostics.insert(report.diagnostics.end(), compiled.diagnostics.begin(),
                              compiled.diagnostics.end());
    if (!compiled.app) {
        report.broken.insert(compiled.app_name);
        return;
    }
    report.specs.push_back(manifests::to_redacted_json(*compiled.app));
    const auto [known, fresh] = report.apps.emplace(compiled.app->name, compiled.app);
    if (!fresh) {
        complain(
            report, texts.text.file,
            fmt::format("app {} is declared by {} already", known->first, known->second->file));
    }
}

void check_file(const fs::path& file, Report& report) {
    const manifests::NameKind kind = manifests::classify_name(file.filename().string());
    if (kind != manifests::NameKind::Manifest && kind != manifests::NameKind::Unit) {
        complain(report, file.string(),
                 "the agent does not read a file of this name: a manifest ends in .yaml, .yml or "
                 ".json, or as Quadlet's units do",
                 Severity::Warning);
    }
    if (const auto found = manifests::find_manifest(file, ::geteuid())) {
        check_manifest(*found, report);
    } else {
        complain(report, file.string(), "is a link to /dev/null, which masks the manifest",
                 Severity::Warning);
    }
}

void check_directory(const fs::path& directory, Report& report) {
    const manifests::Listing listing = manifests::list_manifests({directory}, ::geteuid());
    const std::vector<Diagnostic> left_out = manifests::left_out(listing);
    report.diagnostics.insert(report.diagnostics.end(), left_out.begin(), left_out.end());
    for (const auto& [name, found] : listing.manifests) {
        check_manifest(found, report);
    }
    for (const auto& [name, found] : manifests::bare_manifests(listing.units, report.named)) {
        check_manifest(found, report);
    }
    if (listing.manifests.empty() && listing.units.empty() && left_out.empty()) {
        complain(report, directory.string(),
                 "there is no manifest here: none whose name ends in .yaml, .yml or .json, and no "
                 "unit of Quadlet's");
    }
}

void check_path(const fs::path& path, Report& report) {
    std::error_code error;
    if (fs::is_directory(path, error)) {
        check_directory(path, report);
    } else {
        check_file(path, report);
    }
}

json to_json(const Diagnostic& diagnostic) {
    return {{"file", diagnostic.position.file},
            {"line", diagnostic.position.line},
            {"column", diagnostic.position.column},
            {"path", diagnostic.path},
            {"message", diagnostic.message},
            {"allowed", diagnostic.allowed},
            {"nearest", diagnostic.nearest},
            {"severity", diagnostic.severity == Severity::Error ? "error" : "warning"}};
}

std::string counted(std::size_t count, const char* what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

int print_report(const Report& report, bool as_json) {
    const bool bad = has_errors(report.diagnostics);
    if (as_json) {
        json list = json::array();
        for (const Diagnostic& diagnostic : report.diagnostics) {
            list.push_back(to_json(diagnostic));
        }
        print_json(
            {{"ok", !bad}, {"files", report.files}, {"apps", report.specs}, {"diagnostics", list}});
        return bad ? kError : kOk;
    }
    for (const Diagnostic& diagnostic : report.diagnostics) {
        print_complaint(to_text(diagnostic));
    }
    const auto errors =
        std::count_if(report.diagnostics.begin(), report.diagnostics.end(),
                      [](const Diagnostic& d) { return d.severity == Severity::Error; });
    print(fmt::format("{} read, {}", counted(report.files, "manifest"),
                      bad ? counted(static_cast<std::size_t>(errors), "error") : "all good"));
    return bad ? kError : kOk;
}

int run_check(const Common& common, const std::vector<std::string>& paths) {
    Report report;
    for (const std::string& path : paths) {
        check_path(path, report);
    }
    for (const auto& [app, problems] : manifests::validate_together(report.apps, report.broken)) {
        report.diagnostics.insert(report.diagnostics.end(), problems.begin(), problems.end());
    }
    return print_report(report, common.json);
}

}  // namespace

void add_check(CLI::App& root, Common& common, CommandAction& action) {
    CLI::App* command =
        root.add_subcommand("check", "Read manifests and say what is wrong; needs no agent");
    const auto paths = std::make_shared<std::vector<std::string>>();
    command->add_option("PATH", *paths, "Manifests, or directories of them")->required();
    command->callback([&common, &action, paths] {
        action = [&common, paths] { return run_check(common, *paths); };
    });
}

}  // namespace podreeve::cli
