// podreeve check PATH…: reads manifests as the agent would, and says all that is wrong with them.
#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/cli/commands.h"
#include "agent/cli/output.h"
#include "manifests/source.h"
#include "runtime/base/atomic_file.h"

namespace podreeve::cli {
namespace {

using manifests::Diagnostic;
using nlohmann::json;
namespace fs = std::filesystem;

constexpr std::uintmax_t kMostBytes = 1 << 20;

bool is_manifest(const fs::path& path) {
    static const std::set<std::string> kEndings{".yaml", ".yml", ".json"};
    const std::string name = path.filename().string();
    return kEndings.contains(path.extension().string()) && !name.starts_with('.');
}

std::vector<fs::path> files_below(const fs::path& directory) {
    std::vector<fs::path> files;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(directory, error)) {
        if (entry.is_regular_file(error) && is_manifest(entry.path())) {
            files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    return files;
}

struct Report {
    std::vector<Diagnostic> diagnostics;
    std::map<std::string, std::shared_ptr<const manifests::AppSpec>> apps;
    std::size_t files = 0;
    json specs = json::array();
};

void complain(Report& report, const std::string& file, std::string message) {
    report.diagnostics.push_back({{file, 0, 0}, "", std::move(message), "", "", {}});
}

std::vector<std::pair<std::string, std::string>> read_drop_ins(const fs::path& file,
                                                               Report& report) {
    std::vector<std::pair<std::string, std::string>> drop_ins;
    for (const fs::path& drop_in : files_below(file.string() + ".d")) {
        if (Result<std::string> text = read_file(drop_in, kMostBytes)) {
            drop_ins.emplace_back(drop_in.string(), std::move(*text));
        } else {
            complain(report, drop_in.string(), text.error().message);
        }
    }
    return drop_ins;
}

void check_file(const fs::path& file, Report& report) {
    ++report.files;
    const Result<std::string> text = read_file(file, kMostBytes);
    if (!text) {
        complain(report, file.string(), text.error().message);
        return;
    }
    manifests::Compiled compiled =
        manifests::compile(file.string(), *text, read_drop_ins(file, report));
    report.diagnostics.insert(report.diagnostics.end(), compiled.diagnostics.begin(),
                              compiled.diagnostics.end());
    if (!compiled.app) {
        return;
    }
    report.specs.push_back(manifests::to_redacted_json(*compiled.app));
    const auto [known, fresh] = report.apps.emplace(compiled.app->name, compiled.app);
    if (!fresh) {
        complain(
            report, file.string(),
            fmt::format("app {} is declared by {} already", known->first, known->second->file));
    }
}

void check_path(const fs::path& path, Report& report) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
        check_file(path, report);
        return;
    }
    for (const fs::path& file : files_below(path)) {
        check_file(file, report);
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
            {"severity", diagnostic.severity == manifests::Severity::Error ? "error" : "warning"}};
}

int print_report(const Report& report, bool as_json) {
    const bool bad = manifests::has_errors(report.diagnostics);
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
        fmt::print(stderr, "{}\n", manifests::to_text(diagnostic));
    }
    const auto errors =
        std::count_if(report.diagnostics.begin(), report.diagnostics.end(),
                      [](const Diagnostic& d) { return d.severity == manifests::Severity::Error; });
    print(bad ? fmt::format("{} manifests read, {} errors", report.files, errors)
              : fmt::format("{} manifests read, all good", report.files));
    return bad ? kError : kOk;
}

int run_check(const Common& common, const std::vector<std::string>& paths) {
    Report report;
    for (const std::string& path : paths) {
        check_path(path, report);
    }
    for (const auto& [app, problems] : manifests::validate_together(report.apps)) {
        report.diagnostics.insert(report.diagnostics.end(), problems.begin(), problems.end());
    }
    return print_report(report, common.json);
}

}  // namespace

void add_check(CLI::App& root, Common& common, Action& action) {
    CLI::App* command =
        root.add_subcommand("check", "Read manifests and say what is wrong; needs no agent");
    const auto paths = std::make_shared<std::vector<std::string>>();
    command->add_option("PATH", *paths, "Manifests, or directories of them")->required();
    command->callback([&common, &action, paths] {
        action = [&common, paths] { return run_check(common, *paths); };
    });
}

}  // namespace podreeve::cli
