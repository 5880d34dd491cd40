#pragma once

#include <optional>
#include <set>
#include <string>

#include "agent/observe/observed.h"
#include "manifests/model.h"

namespace podreeve::plan {

struct AppCase;
struct AppPlan;

// The reason of the condition Blocked that hold_for_storage() gives.
inline constexpr const char* kStorageNotMounted = "StorageNotMounted";

// Which volumes with people's data podman had of an app when they were looked at last, and where.
// It is kept with the app, since a volume that is gone from podman tells nothing any more.
struct KeptVolumes {
    std::string spec;             // hash of the version whose volumes these are; "": nobody looked
    std::set<std::string> names;  // claims and named volumes
    std::string folder;           // that they are in, without links; "": not known
    std::string mount_point;      // that the folder lay below; "": not known
    friend bool operator==(const KeptVolumes&, const KeptVolumes&) = default;
};

// As they are now. One of the app's that was there before and is gone stays known, and with it
// where they were then.
KeptVolumes look_again(const KeptVolumes& before,
                       const manifests::AppSpec& app,
                       const std::string& spec,
                       const observe::HostResources& resources);

// Whether another look is due: the version that runs is another one than that of the last.
bool has_unseen_volumes(const AppCase& app);

// It was there when this version or the one before was deployed, and podreeve removes no volume
// that holds data: one that is absent is lost.
bool had_data(const AppCase& app, const manifests::VolumeSpec& volume);

// The first volume that held data and is gone together with what podman's storage was mounted on,
// as a condition; empty volumes in their place would be taken for the data. Podman's storage that
// was emptied where it is, is no such case. It ends when the mount is back or a person lets them
// go.
bool hold_for_storage(const AppCase& app, AppPlan& plan);

// Of one that is down nobody would notice before its start that what it held is gone.
void report_lost_volumes(const AppCase& app, AppPlan& plan);

}  // namespace podreeve::plan
