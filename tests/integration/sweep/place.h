#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/fakes/fake_podman/fake_podman.h"

namespace podreeve::integration {

// How a run of podreeved ended.
struct RunEnd {
    int exit_code = -1;  // -1: by a signal
    bool killed = false;
    std::string log;
};

// A host for one thread of the sweep: a fake podman in this process, and podreeved --once in one of
// its own, with real files and real time. What cannot be done throws.
class Place {
  public:
    explicit Place(const std::string& podman_version);
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    void write(const std::string& file, const std::string& text);
    // In its place a link to /dev/null.
    void mask(const std::string& file);

    // Ends by itself, or at the touch of that number; 0: at none. touches: the file to count into.
    RunEnd run(unsigned long kill_at = 0, const std::filesystem::path& touches = {});

    // What stands now, podman's objects and the agent's state, is what begin_again() goes back to.
    void keep();
    void begin_again();

    // podman's objects, and what the agent remembers of its apps.
    std::string picture();
    // What podman did for the agent since begin_again(), "POST containers/create shop-db-db", each
    // as often as it took effect, sorted.
    std::vector<std::string> effects() const;

    std::filesystem::path root;
    std::unique_ptr<fakes::FakePodman> podman;

  private:
    std::shared_ptr<const fakes::FakePodman::Kept> kept_;
};

}  // namespace podreeve::integration
