#include "agent/observe/companions.h"

#include <algorithm>

namespace podreeve::observe {

WallTime InstalledUnit::modified() const {
    WallTime latest = file.modified;
    for (const auto& [name, drop_in] : drop_ins) {
        latest = std::max(latest, drop_in.modified);
    }
    return latest;
}

bool Companions::knows(const std::string& app) const {
    return folder_error.empty() && !unreadable.contains(app) && (units || !no_quadlet.empty());
}

const InstalledUnit* Companions::find(const std::string& app, const std::string& file_name) const {
    const auto units_of_app = installed.find(app);
    if (units_of_app == installed.end()) {
        return nullptr;
    }
    const auto unit = units_of_app->second.find(file_name);
    return unit == units_of_app->second.end() ? nullptr : &unit->second;
}

bool Companions::is_made_from(const std::string& app,
                              const std::string& file_name,
                              const systemd::UnitState& unit) const {
    const std::string within = "/" + app + "/" + file_name;
    const std::string source = unit.source_path.string();
    const bool is_source =
        source == folder + within || (!real_folder.empty() && source == real_folder + within);
    return is_source && unit.is_generated();
}

const WantedUnits* Companions::find_wanted(const std::string& file_name) const {
    const auto it = wanted.find(file_name);
    return it == wanted.end() ? nullptr : &it->second;
}

const systemd::UnitState* Companions::unit(const std::string& service) const {
    return units ? units->find(service) : nullptr;
}

}  // namespace podreeve::observe
