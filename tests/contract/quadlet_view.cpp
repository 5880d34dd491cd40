// Prints as JSON what podreeve takes Quadlet to make of a folder of unit files:
// quadlet_view FOLDER INSTALLED_AT PODMAN_RELEASE user|system. tests/e2e/quadlet holds it against
// the generator's own dry run, which sees the folder as INSTALLED_AT.

#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include <nlohmann/json.hpp>

#include "quadlet/check.h"
#include "quadlet/drop_ins.h"
#include "quadlet/services.h"

namespace podreeve::quadlet {
namespace {

namespace fs = std::filesystem;

UnitText text_of(const fs::path& file, const fs::path& folder, const std::string& installed) {
    std::ostringstream text;
    text << std::ifstream(file, std::ios::binary).rdbuf();
    return {installed + "/" + fs::relative(file, folder).string(), text.str()};
}

std::vector<UnitText> drop_ins_of(const std::string& name,
                                  const fs::path& folder,
                                  const std::string& installed) {
    std::vector<FoundDropIn> found;
    for (const std::string& sub : drop_in_folders(name)) {
        if (!fs::is_directory(folder / sub)) {
            continue;
        }
        for (const auto& each : fs::directory_iterator(folder / sub)) {
            found.push_back({sub, each.path().filename(), each.path()});
        }
    }
    std::vector<UnitText> texts;
    for (const FoundDropIn& each : effective_drop_ins(name, found)) {
        texts.push_back(text_of(each.path, folder, installed));
    }
    return texts;
}

nlohmann::json to_json(const Service& service) {
    nlohmann::json commands = nlohmann::json::array();
    for (const ServiceCommand& command : service.commands) {
        commands.push_back({{"key", command.key}, {"arguments", command.arguments}});
    }
    return {{"file", service.file_name},
            {"name", service.name},
            {"dependencies", service.dependencies},
            {"commands", commands}};
}

int run(const fs::path& folder, const std::string& installed, const Target& target) {
    std::vector<Unit> units;
    nlohmann::json view = {{"services", nlohmann::json::array()},
                           {"problems", nlohmann::json::array()}};
    const auto report = [&](const std::vector<Diagnostic>& problems) {
        for (const Diagnostic& each : problems) {
            if (each.severity == Severity::Error) {
                view["problems"].push_back({{"file", each.position.file}, {"text", to_text(each)}});
            }
        }
    };
    for (const auto& each : fs::directory_iterator(folder)) {
        const std::string name = each.path().filename();
        if (!each.is_regular_file() || !unit_type_of(name)) {
            continue;
        }
        Unit::Read read = Unit::read(text_of(each.path(), folder, installed),
                                     drop_ins_of(name, folder, installed));
        if (!read.unit) {
            report(problems_of(read, target.podman));
        } else {
            units.push_back(std::move(*read.unit));
        }
    }
    const Services made = make_services(units, target);
    report(made.problems);
    for (const Service& service : made.services) {
        view["services"].push_back(to_json(service));
    }
    std::cout << view.dump(1) << '\n';
    return 0;
}

}  // namespace
}  // namespace podreeve::quadlet

int main(int argc, char** argv) {
    using namespace podreeve::quadlet;
    const auto podman = argc == 5 ? parse_release(argv[3]) : std::nullopt;
    if (!podman) {
        std::cerr << "usage: quadlet_view FOLDER INSTALLED_AT PODMAN_RELEASE user|system\n";
        return 2;
    }
    Target target{*podman, std::string(argv[4]) == "user", {}};
    target.exists = [](const std::string& path) { return path != "/dev/there-is-none"; };
    return run(argv[1], argv[2], target);
}
