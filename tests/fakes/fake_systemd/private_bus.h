#pragma once

#include <filesystem>
#include <string>

#include "tests/fakes/temp_dir.h"

namespace podreeve::fakes {

// A D-Bus daemon of its own in a temporary directory; it ends with this object.
class PrivateBus {
  public:
    PrivateBus();
    ~PrivateBus();
    PrivateBus(const PrivateBus&) = delete;
    PrivateBus& operator=(const PrivateBus&) = delete;

    std::string address() const { return "unix:path=" + (directory_ / "bus").string(); }

    // How it treats those who connect.
    enum class Manners {
        Open,
        RefusesEverybody,  // at the authentication
        RefusesCalls,      // of methods of systemd's
    };

    void start(Manners manners = Manners::Open);
    void stop();
    // Stopped in its tracks: it takes connections and answers nothing. stop() ends that too.
    void freeze();

  private:
    TempDir temp_;
    std::filesystem::path directory_ = temp_.path();
    int pid_ = 0;
};

}  // namespace podreeve::fakes
