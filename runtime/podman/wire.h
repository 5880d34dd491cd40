#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/podman/types.h"

// Podman's JSON to and from the values of types.h: pure, for the sources of this room and its
// tests. Readers take a whole reply and answer Corrupt when it is not JSON of the right outer
// shape; a field that is missing or odd reads as empty.
namespace podreeve::podman::wire {

Result<std::vector<ContainerSummary>> read_container_list(std::string_view body);
Result<ContainerDetails> read_container(std::string_view body);
std::string write_container_create(const ContainerCreate& create);
// The Err of each row of a removal's reply, joined; empty when all went well.
Result<std::string> read_removal_errors(std::string_view body);

Result<std::vector<PodSummary>> read_pod_list(std::string_view body);
Result<PodSummary> read_pod(std::string_view body);
std::string write_pod_create(const PodCreate& create);
// The Errs of a pod's start or stop, joined.
std::string read_pod_errors(std::string_view body);
// Err and the failed members of a pod's removal, joined.
Result<std::string> read_pod_removal_errors(std::string_view body);

// The Id (ID) of a create's reply.
Result<std::string> read_id(std::string_view body);

std::string write_exec_create(const std::vector<std::string>& command);
Result<ExecSession> read_exec(std::string_view body);

Result<ImageDetails> read_image(std::string_view body);

// One line of a pull's stream.
struct PullLine {
    std::string progress, error, id;
};

Result<PullLine> read_pull_line(std::string_view line);

Result<std::vector<VolumeDetails>> read_volume_list(std::string_view body);
Result<VolumeDetails> read_volume(std::string_view body);
Result<std::vector<std::string>> read_volume_prune(std::string_view body);
std::string write_volume_create(const VolumeDetails& volume);

Result<std::vector<NetworkDetails>> read_network_list(std::string_view body);
std::string write_network_create(const NetworkDetails& network);

Result<std::vector<SecretDetails>> read_secret_list(std::string_view body);
// A map as the JSON object that one query parameter holds.
std::string write_text_map(const std::map<std::string, std::string>& map);

// A line that carries podman's error instead of an event is Internal, with podman's words.
Result<PodmanEvent> read_event(std::string_view line);

Result<PlayReport> read_play_report(std::string_view body);
Result<Info> read_info(std::string_view body);

}  // namespace podreeve::podman::wire
