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

bool Companions::is_source(const std::string& app,
                           const std::string& file_name,
                           const std::string& path) const {
    const std::string within = "/" + app + "/" + file_name;
    return path == folder + within || (!real_folder.empty() && path == real_folder + within);
}

const WantedUnits* Companions::find_wanted(const std::string& file_name) const {
    const auto it = wanted.find(file_name);
    return it == wanted.end() ? nullptr : &it->second;
}

const systemd::UnitState* Companions::unit(const std::string& service) const {
    return units ? units->find(service) : nullptr;
}

}  // namespace podreeve::observe
