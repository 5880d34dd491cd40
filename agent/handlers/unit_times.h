#pragma once

#include <filesystem>

#include <nlohmann/json_fwd.hpp>

#include "agent/handlers/task.h"
#include "runtime/base/clock.h"

// The times of an app's unit files. A unit whose file is younger than itself is restarted, so a
// file that is put back under what still runs from it gets the time that it had.
namespace podreeve::handlers {

Status set_time(const std::filesystem::path& path, WallTime time);
// Only where its time is later than that.
Status set_no_younger(const std::filesystem::path& path, WallTime time);

// By file: its time, and the digest of its text. Of those with podreeve's stamp.
nlohmann::json times_of_units(const Task& task);
// Gives those that say again what they said then the time they had. What cannot be given costs no
// more than a restart.
void give_times_back(const Task& task, const nlohmann::json& times);
// All of them as if written just now: something may run another text than theirs.
void make_units_young(const Task& task);

}  // namespace podreeve::handlers
