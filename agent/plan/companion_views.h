#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/observe/companions.h"
#include "manifests/model.h"
#include "quadlet/services.h"
#include "runtime/base/result.h"

// What the companions of all apps are to systemd: derived from their specs alone, once a version.
namespace podreeve::plan {

using AppSpecs = std::map<std::string, std::shared_ptr<const manifests::AppSpec>>;

// A file that has to stand on the disk, by what stamped() makes of it.
struct UnitFileView {
    std::string drop_in;  // its name; empty: the unit's own file
    std::string hash;     // that of its stamp
    friend bool operator==(const UnitFileView&, const UnitFileView&) = default;
};

struct CompanionView {
    std::string app;
    quadlet::UnitType type = quadlet::UnitType::Container;
    // What is to run: its service, or those of its instances; empty for a template without any.
    std::vector<std::string> services;
    std::string resource;           // the name in podman; empty: none, or only systemd knows
    bool one_shot = false;          // it does one thing, after which nothing of it runs
    bool ends = false;              // and is not active any more then, as its author wants it
    bool remains = false;           // and podreeve has it stay active, since nobody says otherwise
    std::vector<std::string> uses;  // the files of other units that it names, of any app
    std::vector<UnitFileView> files;
    std::string own_drop_in;         // the text of quadlet::kOwnDropIn; empty: none is needed
    std::vector<std::string> wrong;  // why it cannot be installed here; empty: it can
};

struct CompanionViews {
    std::map<std::string, CompanionView> by_part;  // by file name
    AppSpecs specs;                                // what they were made from
    quadlet::Target target;

    const CompanionView* find(const std::string& part) const;
};

// folder: the one that the apps' folders will be in. former: an earlier answer, of which is taken
// over what is still true.
CompanionViews view_companions(const AppSpecs& specs,
                               const quadlet::Target& target,
                               const std::string& folder,
                               const CompanionViews& former = {});

// The files of one companion, bytes by name: "web.container", "web.container.d/10-memory.conf".
using UnitTexts = std::map<std::string, std::string>;

// All that is to stand on the disk for it, with podreeve's stamp. owner: the agent's id, or nothing
// where nobody keeps it. own_drop_in: CompanionView's.
Result<UnitTexts> unit_texts(const manifests::CompanionSpec& companion,
                             const std::string& app,
                             std::uint64_t generation,
                             const std::string& owner,
                             const std::string& own_drop_in);

// The text that goes into a companion's own drop-in; empty when none is needed.
std::string own_drop_in(const manifests::CompanionSpec& companion,
                        const std::map<std::string, std::vector<std::string>>& services,
                        bool remains);

}  // namespace podreeve::plan
