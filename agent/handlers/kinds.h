#pragma once

#include "agent/handlers/task.h"

// The handlers, one file a kind, do and undo together. Each looks at what is there and then acts,
// so that running it twice, or again after a kill between its effect and the commit of its end,
// does what running it once does. What the step holds is said in agent/plan/steps.h. Undoing
// something that was never done is Ok.
namespace podreeve::handlers {

Ended check_ports(Task& task);

Ended pull_image(Task& task);

Ended ensure_network(Task& task);

Ended create_volume(Task& task);
Ended undo_create_volume(Task& task);

Ended write_volume_files(Task& task);
Ended undo_write_volume_files(Task& task);

Ended create_secret(Task& task);
Ended undo_create_secret(Task& task);

Ended create_service(Task& task);
Ended undo_create_service(Task& task);

Ended create_pod(Task& task);
Ended undo_create_pod(Task& task);

Ended create_container(Task& task);
Ended undo_create_container(Task& task);

Ended start_pod(Task& task);
Ended undo_start_pod(Task& task);

Ended start_container(Task& task);
Ended undo_start_container(Task& task);

Ended stop_container(Task& task);
Ended undo_stop_container(Task& task);

Ended park_container(Task& task);
Ended undo_park_container(Task& task);

Ended rename_container(Task& task);

Ended remove_container(Task& task);

Ended stop_pod(Task& task);
Ended undo_stop_pod(Task& task);

Ended remove_pod(Task& task);
Ended undo_remove_pod(Task& task);

Ended remove_service(Task& task);

Ended remove_secret(Task& task);

Ended remove_volume(Task& task);

Ended mark_deployed(Task& task);
Ended undo_mark_deployed(Task& task);

// -- companions

Ended note_units(Task& task);
Ended undo_note_units(Task& task);

Ended install_unit(Task& task);
Ended undo_install_unit(Task& task);

Ended remove_unit(Task& task);
Ended undo_remove_unit(Task& task);

Ended reload_units(Task& task);

Ended start_unit(Task& task);
Ended undo_start_unit(Task& task);

Ended stop_unit(Task& task);

Ended restart_unit(Task& task);

Ended reset_failed(Task& task);

Ended remove_leftover(Task& task);

}  // namespace podreeve::handlers
