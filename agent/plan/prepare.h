#pragma once

#include <map>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "agent/plan/decision.h"
#include "agent/plan/step_graph.h"

namespace podreeve::plan {

// podreeve's labels of a new object.
nlohmann::json labels_of(const AppCase& app,
                         const std::string& part,
                         std::string_view role,
                         std::string_view hash);

// The same for a pod or a container that stands alone: with its ports and its place among them.
nlohmann::json labels_of(const AppCase& app, const manifests::PodSpec& pod, std::string_view hash);
nlohmann::json labels_of(const AppCase& app,
                         const manifests::ContainerSpec& container,
                         std::string_view hash);

// The value of kLabelPorts.
std::string ports_text(const std::vector<manifests::Port>& ports);

std::string_view to_string(manifests::VolumeOrigin origin);

// The steps that make everything ready for the parts that will be made: ports looked at, images
// pulled, networks, volumes, files and secrets there. They come first, so that nothing that runs
// has been touched when one of them fails.
class Preparation {
  public:
    // whole: everything the app has (a deploy); else only what the parts to be made use.
    Preparation(const AppCase& app, const AppDecision& decision, StepGraph& graph, bool whole);

    // What a step on that part has to wait for.
    After before(const manifests::PodSpec& pod) const;
    After before(const manifests::ContainerSpec& container) const;

    // All of it.
    const After& gate() const { return gate_; }

  private:
    void collect(const AppDecision& decision);
    void check_ports();
    void pull_images();
    void make_networks();
    void make_volumes();
    void make_volume(const manifests::VolumeSpec& volume);
    std::size_t create_volume(const manifests::VolumeSpec& volume,
                              const std::string& hash,
                              const After& after);
    void make_secrets();
    After pulled() const;
    bool is_used(const manifests::NetworkSpec& network) const;
    bool is_used(const manifests::VolumeSpec& volume) const;

    const AppCase& app_;
    StepGraph& graph_;
    bool whole_;
    std::vector<const manifests::PodSpec*> pods_;  // to be made
    std::vector<const manifests::ContainerSpec*> containers_;
    After first_;                               // the look at the ports
    std::map<std::string, std::size_t> pulls_;  // by image
    std::map<std::string, std::size_t> networks_;
    std::map<std::string, std::size_t> volumes_;
    After gate_;
};

}  // namespace podreeve::plan
