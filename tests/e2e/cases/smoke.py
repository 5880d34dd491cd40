"""What podreeve is for, in a few minutes: cases of other modules, for `./dev e2e --release forky smoke` and its like."""

# pylint: disable=unused-import  # a case is found by its name
from cases.agent import case_killed_it_is_restarted_by_systemd_and_adopts_its_apps  # noqa: F401
from cases.deploy import case_the_service_container_is_first_up_and_last_down  # noqa: F401
from cases.deploy import case_two_apps_come_up_from_files_alone  # noqa: F401
from cases.health import case_readiness_follows_the_answers_and_restarts_nobody  # noqa: F401
from cases.removal import case_a_deleted_file_removes_everything_but_volumes  # noqa: F401
from cases.repair import case_kill_9_of_a_container  # noqa: F401
from cases.repair import case_pod_rm_f  # noqa: F401
from cases.repair import case_rm_f_of_a_container  # noqa: F401
from cases.repair import case_the_service_container_dies  # noqa: F401
from cases.rollout import case_an_edited_env_replaces_one_container  # noqa: F401
from cases.services import case_stops_in_reverse_and_comes_back_in_order  # noqa: F401
