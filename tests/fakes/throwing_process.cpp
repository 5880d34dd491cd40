#include <cstdlib>
#include <fstream>
#include <optional>
#include <sys/inotify.h>

#include <systemd/sd-daemon.h>

#include "tests/fakes/throwing_calls.h"

// As throwing_base.cpp, for what only the process of podreeved has: its words to systemd, and the
// watches on the manifests. For a program of its own, told by its environment which call throws:
// THROWING=notify|watches, THROWING_AT=N, THROWING_WHEN=before|after. Its last act is to write how
// many calls there were, and whether one threw, to the file THROWING_TOLD.
namespace podreeve::fakes {
namespace {

std::string from_environment(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? "" : value;
}

class ThrowingProcess {
  public:
    ThrowingProcess() {
        if (const std::string which = from_environment("THROWING"); !which.empty()) {
            throwing_.emplace(
                which == "notify" ? Adapter::Notify : Adapter::Watches,
                std::strtoul(from_environment("THROWING_AT").c_str(), nullptr, 10),
                from_environment("THROWING_WHEN") == "after" ? Moment::After : Moment::Before);
        }
    }

    ~ThrowingProcess() {
        std::ofstream(from_environment("THROWING_TOLD"))
            << Throwing::calls() << " " << Throwing::thrown() << "\n";
    }

    ThrowingProcess(const ThrowingProcess&) = delete;
    ThrowingProcess& operator=(const ThrowingProcess&) = delete;

  private:
    std::optional<Throwing> throwing_;
};

const ThrowingProcess kThisOne;

}  // namespace

int real_notify(int unset, const char* state) __asm__("__real_sd_notify");
int wrapped_notify(int unset, const char* state) __asm__("__wrap_sd_notify");

int wrapped_notify(int unset, const char* state) {
    return made(Adapter::Notify, [&] { return real_notify(unset, state); });
}

int real_init(int flags) __asm__("__real_inotify_init1");
int wrapped_init(int flags) __asm__("__wrap_inotify_init1");

int wrapped_init(int flags) {
    return made(Adapter::Watches, [&] { return real_init(flags); });
}

int real_add(int fd, const char* path, std::uint32_t mask) __asm__("__real_inotify_add_watch");
int wrapped_add(int fd, const char* path, std::uint32_t mask) __asm__("__wrap_inotify_add_watch");

int wrapped_add(int fd, const char* path, std::uint32_t mask) {
    return made(Adapter::Watches, [&] { return real_add(fd, path, mask); });
}

}  // namespace podreeve::fakes
