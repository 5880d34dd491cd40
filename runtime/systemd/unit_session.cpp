#include "runtime/systemd/unit_session.h"

#include <algorithm>
#include <sys/stat.h>
#include <utility>

#include <fmt/format.h>
#include <systemd/sd-bus.h>

#include "runtime/systemd/unit_calls.h"

namespace podreeve::systemd {
namespace {

constexpr const char* kWhat = "watch systemd's units";

std::string properties_signal(const char* interface) {
    return fmt::format(
        "type='signal',sender='{}',path_namespace='{}/unit',"
        "interface='org.freedesktop.DBus.Properties',member='PropertiesChanged',"
        "arg0='{}'",
        kSystemd, kManagerPath, interface);
}

UnitState no_such_unit(const std::string& name) {
    UnitState state;
    state.id = name;
    state.load_state = "not-found";
    state.active_state = "inactive";
    state.sub_state = "dead";
    return state;
}

bool says(const UnitRow& row, const UnitState& state) {
    return row.load_state == state.load_state && row.active_state == state.active_state &&
           row.sub_state == state.sub_state && row.has_job == state.has_job;
}

std::optional<WallTime> changed_at(const std::filesystem::path& file) {
    struct stat status {};

    if (::stat(file.c_str(), &status) != 0) {
        return std::nullopt;
    }
    return WallTime(std::chrono::seconds(status.st_mtim.tv_sec) +
                    std::chrono::nanoseconds(status.st_mtim.tv_nsec));
}

// Whether systemd has read other files than there are now. It says so itself of a unit that it has
// in memory, when it is asked; one that is not in use it loads for the question, and then compares
// the file with itself. So what a generator made is taken for outdated when its source is gone, or
// younger than the generators' last run (a time in the future tells nothing).
bool is_outdated(const UnitState& state,
                 const std::map<std::string, std::optional<WallTime>>& files,
                 WallTime loaded_at) {
    for (const auto& [file, time] : files) {
        const std::optional<WallTime> now = changed_at(file);
        const bool is_source = file == state.source_path;
        if (now != time || (is_source && !now) ||
            (is_source && *now > loaded_at && *now <= SystemClock().system_now())) {
            return true;
        }
    }
    return false;
}

UnitSession& of(void* self) {
    return *static_cast<UnitSession*>(self);
}

}  // namespace

Result<std::unique_ptr<UnitSession>> UnitSession::open(const std::string& address,
                                                       const std::set<std::string>& names,
                                                       const Limit& limit) {
    ASSIGN_OR_RETURN(Bus bus, Bus::connect(address, limit));
    std::unique_ptr<UnitSession> session(new UnitSession(std::move(bus)));
    Status read = session->listen(limit);
    if (read) {
        read = session->watch(names, limit);
    }
    if (!read && read.error().code == Code::Unavailable && session->bus_.is_open()) {
        session->absent_ = std::move(read.error());
    } else if (!read) {
        return std::move(read.error());
    }
    return session;
}

Status UnitSession::listen(const Limit& limit) {
    RETURN_IF_ERROR(bus_.match(owner_signal(), &on_owner, this));
    RETURN_IF_ERROR(bus_.match(properties_signal(kUnitInterface), &on_properties, this));
    RETURN_IF_ERROR(bus_.match(properties_signal(kServiceInterface), &on_properties, this));
    RETURN_IF_ERROR(bus_.match(manager_signal("UnitNew"), &on_unit, this));
    RETURN_IF_ERROR(bus_.match(manager_signal("UnitRemoved"), &on_unit, this));
    RETURN_IF_ERROR(bus_.match(manager_signal("Reloading"), &on_reloading, this));
    RETURN_IF_ERROR(bus_.match(manager_signal("UnitFilesChanged"), &on_files, this));
    RETURN_IF_ERROR(call_manager(bus_, "Subscribe", {}, kWhat, limit));
    return {};
}

Status UnitSession::watch(const std::set<std::string>& names, const Limit& limit) {
    const std::size_t dropped =
        std::erase_if(units_, [&](const auto& unit) { return !names.contains(unit.first); });
    std::set<std::string> fresh;
    for (const std::string& name : names) {
        if (!units_.contains(name)) {
            fresh.insert(name);
        }
    }
    if (dropped == 0 && fresh.empty()) {
        return {};
    }
    index();
    changed_ = true;
    if (absent_ || fresh.empty()) {
        return {};
    }
    RETURN_IF_ERROR(read(fresh, limit));
    return turn(limit);
}

void UnitSession::index() {
    names_at_.clear();
    for (const auto& [name, unit] : units_) {
        names_at_[unit.path].insert(name);
    }
    std::erase_if(doubtful_, [this](const auto& name) { return !units_.contains(name); });
}

// In place, so that signals which come between the answers find their units.
Status UnitSession::read(const std::set<std::string>& names, const Limit& limit) {
    ASSIGN_OR_RETURN(loaded_at_, read_load_time(bus_, kWhat, limit));
    std::vector<std::string> valid;
    for (const std::string& name : names) {
        Watched& unit = units_[name];
        if (is_unit_name(name)) {
            valid.push_back(name);
        } else {
            unit.state = no_such_unit(name);
        }
    }
    if (!valid.empty()) {
        ASSIGN_OR_RETURN(const std::vector<UnitRow> rows, list_by_names(bus_, valid, kWhat, limit));
        for (std::size_t i = 0; i < rows.size(); ++i) {
            units_[valid[i]].path = rows[i].path;
        }
    }
    index();
    for (const std::string& name : valid) {
        RETURN_IF_ERROR(read_unit(units_[name], limit));
    }
    return {};
}

Status UnitSession::read_unit(Watched& unit, const Limit& limit) {
    UnitState& state = unit.state;
    RETURN_IF_ERROR(read_properties(bus_, unit.path, kUnitInterface, state, kWhat, limit));
    unit.files.clear();
    for (const auto& file : {state.fragment_path, state.source_path}) {
        if (!file.empty() && !state.is_masked()) {
            unit.files[file] = changed_at(file);
        }
    }
    if (state.id.ends_with(".service") && !unit.has_service) {
        RETURN_IF_ERROR(read_properties(bus_, unit.path, kServiceInterface, state, kWhat, limit));
        unit.has_service = true;
    }
    changed_ = true;
    return {};
}

Status UnitSession::wait_until_idle(const Limit& limit) {
    if (!std::exchange(all_doubtful_, false)) {
        return check_doubtful(limit);
    }
    doubtful_.clear();
    std::set<std::string> names;
    for (const auto& [name, unit] : units_) {
        names.insert(name);
    }
    return read(names, limit);
}

Status UnitSession::check_doubtful(const Limit& limit) {
    const std::set<std::string> names = std::exchange(doubtful_, {});
    std::vector<std::string> ids;
    for (const std::string& name : names) {
        ids.push_back(units_[name].state.id);
    }
    ASSIGN_OR_RETURN(const std::vector<UnitRow> rows, list_loaded(bus_, ids, kWhat, limit));
    std::map<std::string, UnitRow> by_id;
    for (const UnitRow& row : rows) {
        by_id[row.id] = row;
    }
    for (const std::string& name : names) {
        UnitState& state = units_[name].state;
        const auto row = by_id.find(state.id);
        if (row != by_id.end() && !says(row->second, state)) {
            RETURN_IF_ERROR(read_unit(units_[name], limit));
        } else if (row == by_id.end() && state.active_state != "inactive") {
            state.active_state = "inactive";
            state.sub_state = "dead";
            state.has_job = false;
            state.main_pid = 0;
            state.result = state.result.empty() ? "" : "success";
            changed_ = true;
        }
    }
    return {};
}

Status UnitSession::turn(const Limit& limit) {
    RETURN_IF_ERROR(bus_.dispatch(kWhat));
    while (!absent_ && (all_doubtful_ || !doubtful_.empty())) {
        RETURN_IF_ERROR(wait_until_idle(limit));
        // What came with the answers waits in the connection, where poll(2) does not see it.
        RETURN_IF_ERROR(bus_.dispatch(kWhat));
    }
    return {};
}

Status UnitSession::catch_up(const Limit& limit) {
    RETURN_IF_ERROR(turn(limit));
    if (absent_) {
        return {};
    }
    RETURN_IF_ERROR(ping(bus_, kWhat, limit));
    return turn(limit);
}

bool UnitSession::take_changed() {
    return std::exchange(changed_, false);
}

UnitTable UnitSession::table() const {
    UnitTable table;
    table.loaded_at = loaded_at_;
    for (const auto& [name, unit] : units_) {
        UnitState& state = table.units[name];
        state = unit.state;
        state.needs_reload = state.needs_reload || is_outdated(state, unit.files, loaded_at_);
    }
    return table;
}

void UnitSession::doubt(const std::string& path) {
    if (const auto names = names_at_.find(path); names != names_at_.end()) {
        for (const std::string& name : names->second) {
            doubtful_.insert(name);
            units_[name].has_service = false;
        }
    }
}

void UnitSession::on_properties(sd_bus_message* signal, void* self) {
    UnitSession& session = of(self);
    const std::string path = sd_bus_message_get_path(signal);
    const auto names = session.names_at_.find(path);
    if (names == session.names_at_.end()) {
        return;
    }
    for (const std::string& name : names->second) {
        UnitState& state = session.units_[name].state;
        sd_bus_message_rewind(signal, 1);
        if (sd_bus_message_skip(signal, "s") < 0 || apply_properties(signal, state) < 0) {
            session.all_doubtful_ = true;
        }
        if (state.load_state != "loaded") {
            session.doubtful_.insert(name);
        }
        session.changed_ = true;
    }
}

void UnitSession::on_unit(sd_bus_message* signal, void* self) {
    const char* path = nullptr;
    if (sd_bus_message_read(signal, "so", nullptr, &path) > 0) {
        of(self).doubt(path);
    }
}

void UnitSession::on_reloading(sd_bus_message* signal, void* self) {
    int begins = 0;
    if (sd_bus_message_read(signal, "b", &begins) > 0 && begins == 0) {
        of(self).all_doubtful_ = true;
    }
}

void UnitSession::on_files(sd_bus_message*, void* self) {
    of(self).all_doubtful_ = true;
}

void UnitSession::on_owner(sd_bus_message* signal, void* self) {
    UnitSession& session = of(self);
    session.outlived_ = has_owner(signal);
    session.absent_ =
        Error{Code::Unavailable, fmt::format("cannot {}: systemd has left the bus", kWhat)};
    session.changed_ = true;
}

}  // namespace podreeve::systemd
