#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "manifests/model.h"
#include "manifests/place.h"

// The words that both dialects use for podreeve's own settings.
namespace podreeve::manifests {

inline const std::vector<std::string> kRestartWords = {"always", "on-failure",    "never",
                                                       "once",   "until-success", "forever"};
inline const std::vector<std::string> kDependencyWords = {"started", "healthy", "finished",
                                                          "failed"};

// When a container without a readiness probe is ready: once it runs, or once its ports are open.
inline const std::vector<std::string> kReadyWords = {"running", "port"};
inline constexpr std::string_view kReadyByPort = "port";
inline const std::vector<std::string> kLossWords = {"stay", "stop", "restart"};

// always = forever, on-failure = until-success, never = once. word is one of kRestartWords.
RestartPolicy restart_policy_of(const std::string& word);

// word is one of kDependencyWords.
DependencyKind dependency_kind_of(const std::string& word);

inline const std::vector<std::string> kUnitRestartWords = {"now", "on-next-start", "report"};

// word is one of kUnitRestartWords.
UnitRestart unit_restart_of(const std::string& word);

// word is one of kLossWords.
LossPolicy loss_policy_of(const std::string& word);

// The name of an app, or a map {app, companion, is, policy}; without an app the companion is one of
// this app's own. Nothing, and a diagnostic, when it cannot be read.
std::optional<Dependency> read_dependency(const Place& place, const std::string& own_app);

// Adds a dependency; of two on the same thing it tells the place of the second.
void add_dependency(const Place& place, Dependency dependency, std::vector<Dependency>& out);

// The name of an app that something waits for, or a diagnostic.
bool check_dependency_name(const Place& place, const std::string& name);

// Pull policy of an image for which none is written: Always for an untagged or :latest image of a
// registry, IfNotPresent for all else; localhost/… can only have been built here.
PullPolicy default_pull_policy(const std::string& image);

// A reference, or a diagnostic.
std::optional<std::string> image_of(const Place& place);

}  // namespace podreeve::manifests
