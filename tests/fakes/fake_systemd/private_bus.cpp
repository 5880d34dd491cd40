#include "tests/fakes/fake_systemd/private_bus.h"

#include <csignal>
#include <cstring>
#include <fstream>
#include <poll.h>
#include <spawn.h>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "runtime/base/unique_fd.h"

namespace podreeve::fakes {
namespace {

namespace fs = std::filesystem;

// Long, for a machine that is busy.
constexpr int kPatience = 20'000;  // ms

bool accepts(const fs::path& socket) {
    const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, socket.c_str(), sizeof address.sun_path - 1);
    return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

// Without any service that it could start by itself, as the real systemd is not started either.
std::string config(const std::string& address, PrivateBus::Manners manners) {
    const bool refuses_all = manners == PrivateBus::Manners::RefusesEverybody;
    const bool refuses_calls = manners == PrivateBus::Manners::RefusesCalls;
    return fmt::format(
        "<busconfig><type>session</type>{}<listen>{}</listen><policy context=\"default\">"
        "<allow send_destination=\"*\"/><allow receive_sender=\"*\"/><allow own=\"*\"/>{}"
        "</policy></busconfig>",
        refuses_all ? "<auth>DBUS_COOKIE_SHA1</auth>" : "", address,
        refuses_calls ? "<deny send_destination=\"org.freedesktop.systemd1\" "
                        "send_type=\"method_call\"/>"
                      : "");
}

}  // namespace

PrivateBus::PrivateBus() {
    start();
}

PrivateBus::~PrivateBus() {
    stop();
}

void PrivateBus::start(Manners manners) {
    stop();  // of two nobody would end the first
    const fs::path file = directory_ / "bus.conf";
    std::ofstream(file) << config(address(), manners);
    const std::string option = "--config-file=" + file.string();
    const char* argv[] = {"dbus-daemon", "--nofork", "--nopidfile", option.c_str(), nullptr};
    if (::posix_spawnp(&pid_, argv[0], nullptr, nullptr, const_cast<char**>(argv), environ) != 0) {
        throw std::runtime_error("dbus-daemon is needed for this test");
    }
    // The file is there before anybody listens on it: only a connection tells that the bus is up.
    const fs::path socket = directory_ / "bus";
    for (int i = 0; i < kPatience && !accepts(socket); ++i) {
        ::poll(nullptr, 0, 1);
    }
    if (!accepts(socket)) {
        throw std::runtime_error("a private dbus-daemon did not come up");
    }
}

void PrivateBus::stop() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = 0;
        fs::remove(directory_ / "bus");
    }
}

void PrivateBus::freeze() {
    ::kill(pid_, SIGSTOP);
}

}  // namespace podreeve::fakes
