#pragma once

#include "agent/handlers/task.h"

// The handlers, one file a kind, do and undo together. Each looks at what is there and then acts,
// so that running it twice, or again after a kill between its effect and the commit of its end,
// does what running it once does. What the step holds is said in agent/plan/steps.h. Undoing
// something that was never done is Ok.
namespace podreeve::handlers {

HandlerResult check_ports(Task& task);

HandlerResult pull_image(Task& task);

HandlerResult ensure_network(Task& task);

HandlerResult create_volume(Task& task);
HandlerResult undo_create_volume(Task& task);

HandlerResult write_volume_files(Task& task);
HandlerResult undo_write_volume_files(Task& task);

HandlerResult create_secret(Task& task);
HandlerResult undo_create_secret(Task& task);

HandlerResult create_service(Task& task);
HandlerResult undo_create_service(Task& task);

HandlerResult create_pod(Task& task);
HandlerResult undo_create_pod(Task& task);

HandlerResult create_container(Task& task);
HandlerResult undo_create_container(Task& task);

HandlerResult start_pod(Task& task);
HandlerResult undo_start_pod(Task& task);

HandlerResult start_container(Task& task);
HandlerResult undo_start_container(Task& task);

HandlerResult stop_container(Task& task);
HandlerResult undo_stop_container(Task& task);

HandlerResult retain_container(Task& task);
HandlerResult undo_retain_container(Task& task);

HandlerResult rename_container(Task& task);

HandlerResult remove_container(Task& task);

HandlerResult stop_pod(Task& task);
HandlerResult undo_stop_pod(Task& task);

HandlerResult remove_pod(Task& task);
HandlerResult undo_remove_pod(Task& task);

HandlerResult remove_service(Task& task);

HandlerResult remove_secret(Task& task);

HandlerResult remove_volume(Task& task);

HandlerResult mark_deployed(Task& task);
HandlerResult undo_mark_deployed(Task& task);

// -- companions

HandlerResult note_units(Task& task);
HandlerResult undo_note_units(Task& task);

HandlerResult install_unit(Task& task);
HandlerResult undo_install_unit(Task& task);

HandlerResult remove_unit(Task& task);
HandlerResult undo_remove_unit(Task& task);

HandlerResult reload_units(Task& task);

HandlerResult start_unit(Task& task);
HandlerResult undo_start_unit(Task& task);

HandlerResult stop_unit(Task& task);

HandlerResult restart_unit(Task& task);

HandlerResult reset_failed(Task& task);

HandlerResult remove_leftover(Task& task);

}  // namespace podreeve::handlers
