#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/systemd/bus.h"
#include "runtime/systemd/unit_state.h"

namespace podreeve::systemd {

// The watched units as one connection tells them: what UnitWatch's thread holds while systemd can
// be reached. Belongs to that thread. An error of any function means that what it knows is no
// longer to be relied on: drop it and open another.
//
// What is where. A unit's state changes with each PropertiesChanged, which carries the new values,
// so that no call follows. What signals do not carry (load state, unit file, whether it needs a
// reload) changes with a reload of systemd or of its list of unit files, after which all are read
// anew. UnitNew and UnitRemoved only make a unit doubtful: systemd drops from memory what is not in
// use, and loads it again whenever somebody asks for it, us included. So what is doubtful is looked
// for among the units in memory, without loading any; one that is not there is inactive, and one
// whose row says what is known is not read again, or each reading would bring on the next.
class UnitSession {
  public:
    // Listens, and reads all of them. When systemd is not on the bus it only waits for it.
    static Result<std::unique_ptr<UnitSession>> open(const std::string& address,
                                                     const std::set<std::string>& names,
                                                     const Limit& limit);
    UnitSession(const UnitSession&) = delete;
    UnitSession& operator=(const UnitSession&) = delete;

    const Bus& bus() const { return bus_; }

    // Why nothing can be known: systemd is not on the bus, or was not for a moment.
    const std::optional<Error>& absent() const { return absent_; }

    // Another systemd has come, with which this connection has no subscription.
    bool outlived() const { return outlived_; }

    // Changes which are watched, and reads the new ones.
    Status watch(const std::set<std::string>& names, const Limit& limit);
    // Takes in what has come, and reads what that leaves doubtful.
    Status turn(const Limit& limit);
    // Takes in everything that systemd has done until now.
    Status catch_up(const Limit& limit);

    // Whether it may be another table than when this was last asked.
    bool take_changed();
    // With needs_reload as the files say it now.
    UnitTable table() const;

  private:
    struct Watched {
        UnitState state;
        std::string path;
        bool has_service = false;  // what services have was read, and signals told since
        // The time of each file when it was last read; nullopt: there was none.
        std::map<std::string, std::optional<WallTime>> files;
    };

    explicit UnitSession(Bus bus) : bus_(std::move(bus)) {}

    Status listen(const Limit& limit);
    Status read(const std::set<std::string>& names, const Limit& limit);
    Status read_unit(Watched& unit, const Limit& limit);
    Status wait_until_idle(const Limit& limit);
    Status check_doubtful(const Limit& limit);
    void index();
    void doubt(const std::string& path);

    static void on_properties(sd_bus_message* signal, void* self);
    static void on_unit(sd_bus_message* signal, void* self);
    static void on_reloading(sd_bus_message* signal, void* self);
    static void on_files(sd_bus_message* signal, void* self);
    static void on_owner(sd_bus_message* signal, void* self);

    std::map<std::string, Watched> units_;                   // by the name that was asked for
    std::map<std::string, std::set<std::string>> names_at_;  // D-Bus path → those names
    std::set<std::string> doubtful_;
    bool all_doubtful_ = false;
    bool changed_ = true;
    bool outlived_ = false;
    std::optional<Error> absent_;
    WallTime loaded_at_{};
    Bus bus_;  // last: its handlers write to the above
};

}  // namespace podreeve::systemd
