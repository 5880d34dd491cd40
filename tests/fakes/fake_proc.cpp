#include "tests/fakes/fake_proc.h"

#include <fstream>

#include <fmt/format.h>

namespace podreeve::fakes {

namespace fs = std::filesystem;

FakeProc::FakeProc() {
    fs::create_directories(path() / "sys/kernel/random");
    reboot("a-boot");
}

void FakeProc::reboot(const std::string& boot_id) {
    std::ofstream(path() / "sys/kernel/random/boot_id") << boot_id << "\n";
}

void FakeProc::add(long pid,
                   unsigned long started,
                   const std::string& cgroup,
                   const std::string& command) {
    const fs::path directory = path() / std::to_string(pid);
    fs::create_directories(directory);
    std::ofstream(directory / "stat") << fmt::format(
        "{} (a (name) b) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 {} 0 0\n", pid, started);
    std::ofstream(directory / "cgroup") << "0::" << cgroup << "\n";
    std::ofstream(directory / "cmdline") << command;
}

void FakeProc::add_container(long pid, const std::string& id, unsigned long started) {
    add(pid, started, "/user.slice/libpod-" + id + ".scope/container", "sleep");
}

void FakeProc::add_conmon(long pid, const std::string& id, unsigned long started) {
    add(pid, started, "/user.slice/some.scope", "/usr/bin/conmon --api-version 1 -c " + id);
}

void FakeProc::remove(long pid) {
    fs::remove_all(path() / std::to_string(pid));
}

// What stands there is no regular file, and no content can be had of it.
void FakeProc::hide(long pid) {
    remove(pid);
    for (const char* file : {"stat", "cgroup", "cmdline"}) {
        fs::create_directories(path() / std::to_string(pid) / file);
    }
}

}  // namespace podreeve::fakes
