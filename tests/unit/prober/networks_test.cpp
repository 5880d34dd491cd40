#include "runtime/prober/networks.h"

#include <csignal>
#include <fcntl.h>
#include <functional>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

namespace podreeve::prober {
namespace {

constexpr uid_t kSomebody = 65534;

// A process in a user namespace and a network of its own, both of `owner`'s making.
class Inhabitant {
  public:
    explicit Inhabitant(uid_t owner) {
        int ready[2];
        EXPECT_EQ(::pipe2(ready, O_CLOEXEC), 0);
        pid_ = ::fork();
        if (pid_ == 0) {
            const bool made = (owner == ::getuid() || ::setresuid(owner, owner, owner) == 0) &&
                              ::unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
            const char said = made ? 'y' : 'n';
            (void)!::write(ready[1], &said, 1);
            while (true) {
                ::pause();
            }
        }
        char said = 0;
        (void)!::read(ready[0], &said, 1);
        there_ = said == 'y';
        ::close(ready[0]);
        ::close(ready[1]);
    }

    Inhabitant(const Inhabitant&) = delete;
    Inhabitant& operator=(const Inhabitant&) = delete;

    ~Inhabitant() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }

    bool there() const { return there_; }

    // Whoever asks need not be able to open them by itself: the agent does that.
    probe::Namespaces namespaces() const {
        auto opened = probe::open_namespaces(pid_);
        EXPECT_TRUE(opened) << opened.error().message;
        return opened ? std::move(*opened) : probe::Namespaces{};
    }

  private:
    pid_t pid_ = 0;
    bool there_ = false;
};

// In a child, since it is for good; as a user without any right.
int as_somebody(const std::function<int()>& act) {
    const pid_t child = ::fork();
    if (child == 0) {
        const bool done = ::setresuid(kSomebody, kSomebody, kSomebody) == 0;
        ::_exit(done ? act() : 100);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

class NetworksTest : public testing::Test {
  protected:
    void SetUp() override {
        ASSERT_EQ(::geteuid(), 0U) << "needs root, who can be two users";
        ASSERT_TRUE(podmans_.there() && foreign_.there());
    }

    static bool can_be_asked(Networks& networks, probe::Namespaces of) {
        const auto network = networks.find(std::move(of));
        return network && networks.take_socket(**network, AF_INET).has_value();
    }

    Inhabitant podmans_{kSomebody};
    Inhabitant foreign_{0};
};

TEST_F(NetworksTest, AUsersAreEnteredThroughItsUserNamespace) {
    probe::Namespaces podmans = podmans_.namespaces();
    EXPECT_EQ(
        as_somebody([&] {
            Networks networks;
            return can_be_asked(networks, std::move(podmans)) && !networks.is_disoriented() ? 0 : 1;
        }),
        0);
}

// The second would be out of reach for ever, if the first had made the process one of two threads.
TEST_F(NetworksTest, AForeignOneThatComesFirstShutsNoOtherOut) {
    probe::Namespaces podmans = podmans_.namespaces(), foreign = foreign_.namespaces();
    EXPECT_EQ(
        as_somebody([&] {
            Networks networks;
            if (can_be_asked(networks, std::move(foreign))) {
                return 1;
            }
            return can_be_asked(networks, std::move(podmans)) && !networks.is_disoriented() ? 0 : 2;
        }),
        0);
}

TEST_F(NetworksTest, AProcessThatCanNeverEnterSaysSo) {
    probe::Namespaces podmans = podmans_.namespaces();
    EXPECT_EQ(as_somebody([&] {
                  Networks networks;
                  std::jthread second([](const std::stop_token& stop) {
                      while (!stop.stop_requested()) {
                          std::this_thread::yield();
                      }
                  });
                  const bool asked = can_be_asked(networks, std::move(podmans));
                  return !asked && networks.is_disoriented() ? 0 : 1;
              }),
              0);
}

}  // namespace
}  // namespace podreeve::prober
