#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "agent/observe/observed.h"
#include "agent/plan/plan.h"

namespace podreeve::plan::test {

inline constexpr const char* kOwner = "00112233aabbccdd";
// All tests are at this moment; what runs has run for an hour.
inline constexpr WallTime kNow{std::chrono::seconds(1'800'000'000)};

// A small podman in memory that carries steps out as the handlers would, and that is strict: a step
// which could not work (a name in use, a pod that is not there, a start before a create) throws. So
// a plan is not only compared, it is tried.
class World {
  public:
    explicit World(bool holds_service_containers = true) : holds_(holds_service_containers) {}

    // What podman would list. Resources are in it only when asked for.
    observe::Observed observe(bool resources = false) const;

    void run(const Step& step);
    // All steps, each after those it waits for; pick chooses among those that could be next.
    void run(const AppPlan& plan, const std::function<std::size_t(std::size_t)>& pick);
    void run(const AppPlan& plan);

    // -- for tests to break things
    podman::ContainerSummary& container(const std::string& name);
    podman::PodSummary& pod(const std::string& name);
    bool has_container(const std::string& name) const;
    bool has_pod(const std::string& name) const;
    void remove_container(const std::string& name);
    void remove_pod(const std::string& name);
    podman::ContainerSummary& add_container(const std::string& name,
                                            const std::map<std::string, std::string>& labels);
    podman::PodSummary& add_pod(const std::string& name,
                                const std::map<std::string, std::string>& labels);
    void end_container(const std::string& name, int code);

    void add_image(const std::string& image) { images_.insert(image); }

    std::set<std::string> volumes() const;
    std::map<std::string, podman::VolumeDetails> volumes_;
    std::map<std::string, podman::NetworkDetails> networks_;
    std::map<std::string, podman::SecretDetails> secrets_;
    std::set<std::string> images_;
    std::map<std::string, std::string> deployed_;  // app -> spec

  private:
    std::string new_id();
    void require_free(const std::string& name) const;
    podman::ContainerSummary& find(const Step& step);
    podman::PodSummary& find_pod(const Step& step);
    podman::PodSummary* pod_by_id(const std::string& id);
    void start(podman::ContainerSummary& container);
    void start_pod(podman::PodSummary& pod);
    void stop_pod(podman::PodSummary& pod);
    bool is_linked(const std::string& service) const;
    bool is_down(const podman::PodSummary& pod) const;
    void create_service(const Step& step, const nlohmann::json& details);
    void create_pod(const Step& step, const nlohmann::json& details);
    void create_container(const Step& step, const nlohmann::json& details);
    void run_container_step(const Step& step, const nlohmann::json& details);
    void run_resource_step(const Step& step, const nlohmann::json& details);

    bool holds_;
    std::uint64_t next_id_ = 1;
    std::map<std::string, podman::ContainerSummary> containers_;  // by id
    std::map<std::string, podman::PodSummary> pods_;              // by id
    std::map<std::string, std::string> links_;                    // pod id -> service id, if held
    std::set<std::string> inits_;                                 // ids
};

Policy policy();

}  // namespace podreeve::plan::test
