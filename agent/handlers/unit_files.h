#pragma once

#include <map>
#include <optional>
#include <string>

#include "agent/handlers/task.h"
#include "agent/plan/companion_views.h"
#include "runtime/base/clock.h"

// The files of one companion on the disk: its own and those of its drop-in folder. Only files with
// podreeve's stamp are read, changed or removed.
namespace podreeve::handlers {

using plan::UnitTexts;  // empty: not installed

// Conflict when the unit's own file is there and is not ours.
Result<UnitTexts> read_unit(const Task& task);
// Writes what differs and removes what is too much. since: the time the files are given; nothing:
// now.
Status write_unit(const Task& task, const UnitTexts& texts, std::optional<WallTime> since);

// Puts the texts aside, in a file of their own since they may be secret; gives what to find them
// by.
Result<std::string> keep_unit(const Task& task, const UnitTexts& texts);
Result<UnitTexts> kept_unit(const Task& task, const std::string& key);

// Notes what is there now before it is changed, once.
Status note_former(Task& task, const UnitTexts& former);
// Writes what note_former() noted.
HandlerResult put_former_back(Task& task);

}  // namespace podreeve::handlers
