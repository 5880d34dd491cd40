#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "agent/reconcile/suspects.h"
#include "manifests/model.h"
#include "runtime/base/clock.h"
#include "runtime/base/mutex.h"

namespace podreeve::reconcile {

class BrakeFile;

// What is told of an app that is set aside.
struct SetAside {
    std::string why;
    SteadyTime next_try{};
};

// Keeps an app in whose hands the agent dies again and again from costing all others their agent:
// see suspects.h. What it knows stands in a small mapped file in the runtime directory, a tmpfs, so
// that to have an app in hand costs no system call and nothing is written to the store. Any thread.
class Brake {
  public:
    // Reads what an agent of the same boot left there, and counts its death; what is torn, foreign
    // or of another boot is not believed. The file is made when it is not there; where it cannot be
    // had the brake has no memory over a restart, and the journal says so.
    Brake(const std::filesystem::path& file, const std::string& boot_id, const Clock& clock);
    ~Brake();  // ends the marking; a file that says nothing is removed
    Brake(const Brake&) = delete;
    Brake& operator=(const Brake&) = delete;

    // For main() alone: from now on deaths of this process are marked in this file.
    void mark_deaths();

    // The apps that are set aside in this pass. Begins the tries that are due.
    std::map<std::string, SetAside> evaluate(const manifests::Desired& desired);
    // The same for who only asks: as they are by now, and no try is begun.
    std::map<std::string, SetAside> set_aside() const;
    // Whether that one is, now; in words.
    std::optional<std::string> why_set_aside(const std::string& app) const;
    // A person asks for it; nothing: for all.
    void try_now(const std::optional<std::string>& app);

  private:
    struct Known {
        SuspectApps suspects;
        // By app: its spec's hash, made once a version.
        std::map<std::string, std::pair<std::shared_ptr<const manifests::AppSpec>, std::string>>
            hashes;
    };

    static std::string spec_of(Known& known,
                               const std::string& app,
                               const manifests::Desired& desired);
    void take_in_deaths(Known& known);
    void keep(const Known& known);

    const Clock& clock_;
    std::unique_ptr<BrakeFile> file_;  // null: there is none
    bool marks_ = false;
    mutable Guarded<Known> known_;
};

}  // namespace podreeve::reconcile
