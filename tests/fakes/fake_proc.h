#pragma once

#include <filesystem>
#include <string>

#include "tests/fakes/temp_dir.h"

namespace podreeve::fakes {

// A /proc of a few made-up processes, in a directory of its own that is removed at the end.
class FakeProc {
  public:
    FakeProc();

    const std::filesystem::path& path() const { return temp_.path(); }

    // A process that began at that tick; another takes the place of one that had the pid.
    void add(long pid,
             unsigned long started,
             const std::string& cgroup,
             const std::string& command);
    // As what runs in that container, and as the conmon that watches over it.
    void add_container(long pid, const std::string& id, unsigned long started = 100);
    void add_conmon(long pid, const std::string& id, unsigned long started = 99);
    void remove(long pid);
    // A pid for which there are no files, only a directory: as one that may not be looked at.
    void hide(long pid);
    void reboot(const std::string& boot_id);

  private:
    TempDir temp_;
};

}  // namespace podreeve::fakes
