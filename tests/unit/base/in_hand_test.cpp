#include "runtime/base/in_hand.h"

#include <array>
#include <cstdlib>
#include <functional>
#include <signal.h>
#include <stdexcept>
#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

// Each case is a process that really dies.
namespace podreeve {
namespace {

using Slots = std::array<HandSlot, kHandSlots>;

struct Left {
    std::string app;
    int signal = 0;
    std::int64_t died = 0;
};

Left read(const HandSlot& slot) {
    return {std::string(slot.app, slot.length), static_cast<int>(slot.signal), slot.died};
}

std::int64_t monotonic_now() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

class Deaths : public ::testing::Test {
  protected:
    Deaths()
        : slots(*new (::mmap(
              nullptr, sizeof(Slots), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))
                    Slots) {}

    ~Deaths() override { ::munmap(&slots, sizeof(Slots)); }

    // A child that does so, and how it ended.
    int die(const std::function<void()>& act) {
        const pid_t child = ::fork();
        if (child == 0) {
            std::freopen("/dev/null", "w", stderr);  // what a sanitizer says of it
            mark_deaths_in(slots);
            act();
            ::_exit(0);
        }
        int status = 0;
        EXPECT_EQ(::waitpid(child, &status, 0), child);
        return status;
    }

    std::vector<Left> marked() const {
        std::vector<Left> out;
        for (const HandSlot& slot : slots) {
            if (slot.signal != 0) {
                out.push_back(read(slot));
            }
        }
        return out;
    }

    Slots& slots;
};

// Until it dies, in a way that no compiler sees through.
int overflow(int depth) {
    volatile char frame[4096];
    frame[depth % 4096] = 'x';
    return depth < 0 ? 0 : overflow(depth + 1) + frame[depth % 4096];
}

void throw_one() {
    throw std::runtime_error("x");
}

struct Case {
    const char* name;
    std::function<void()> act;
    int signal;  // that is marked; 0: none is
};

const Case kCases[] = {
    {"abort", [] { std::abort(); }, SIGABRT},
    {"an exception nobody catches", [] { []() noexcept { throw_one(); }(); }, SIGABRT},
    {"a fault",
     [] {
         *static_cast<volatile int*>(
             ::mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) = 1;
     },
     SIGSEGV},
    {"a stack that runs over", [] { overflow(0); }, SIGSEGV},
    {"SIGKILL", [] { ::kill(::getpid(), SIGKILL); }, 0},
    {"SIGTERM", [] { ::kill(::getpid(), SIGTERM); }, 0},
    {"SIGABRT of somebody else, as systemd's watchdog sends it",
     [] {
         const pid_t agent = ::getpid();
         if (::fork() == 0) {
             ::kill(agent, SIGABRT);
             ::_exit(0);
         }
         ::pause();
     },
     0},
    {"an end of its own", [] { ::_exit(0); }, 0},
};

TEST_F(Deaths, AreMarkedWithTheAppInHandWhenTheyAreTheProcesssOwnDoing) {
    for (const Case& row : kCases) {
        slots = {};
        const std::int64_t before = monotonic_now();
        const int status = die([&] {
            const InHand web("web");
            row.act();
        });
        const auto left = marked();
        if (row.signal == 0) {
            EXPECT_TRUE(left.empty()) << row.name;
            continue;
        }
        EXPECT_FALSE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << row.name;
        ASSERT_EQ(left.size(), 1U) << row.name;
        EXPECT_EQ(left[0].app, "web") << row.name;
        EXPECT_EQ(left[0].signal, row.signal) << row.name;
        EXPECT_GE(left[0].died, before) << row.name;
        EXPECT_LE(left[0].died, monotonic_now()) << row.name;
    }
}

TEST_F(Deaths, ByAbortAreStillDeathsByAbort) {
    const int status = die([] {
        const InHand web("web");
        std::abort();
    });
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), SIGABRT);
}

TEST_F(Deaths, OfOneThreadBlameNobodyElses) {
    die([] {
        const InHand loop("db");
        std::jthread([] {
            const InHand worker("web");
            std::abort();
        }).join();
    });
    const auto left = marked();
    ASSERT_EQ(left.size(), 1U);
    EXPECT_EQ(left[0].app, "web");
    EXPECT_EQ(read(slots[0]).app, "db") << "noted, and not marked";
}

TEST_F(Deaths, WithNothingInHandBlameNobody) {
    die([] {
        { const InHand web("web"); }
        std::abort();
    });
    EXPECT_TRUE(marked().empty());
}

TEST_F(Deaths, BlameTheInnermostAndAfterwardsTheOuterAgain) {
    die([] {
        const InHand web("web");
        const InHand db("db");
        std::abort();
    });
    ASSERT_EQ(marked().size(), 1U);
    EXPECT_EQ(marked()[0].app, "db");
    slots = {};
    die([] {
        const InHand web("web");
        { const InHand db("db"); }
        std::abort();
    });
    ASSERT_EQ(marked().size(), 1U);
    EXPECT_EQ(marked()[0].app, "web");
}

TEST_F(Deaths, OfMoreThreadsThanThereAreSlotsAndOfLongNamesAreJustNotMarked) {
    die([] {
        const InHand longer(std::string(65, 'x'));
        std::abort();
    });
    EXPECT_TRUE(marked().empty());
    slots = {};
    die([] {
        std::vector<std::jthread> threads;
        std::atomic<std::size_t> noted = 0;
        for (std::size_t i = 0; i < kHandSlots; ++i) {
            threads.emplace_back([&noted](std::stop_token stop) {
                const InHand other("other");
                ++noted;
                noted.notify_all();
                while (!stop.stop_requested()) {
                    std::this_thread::yield();
                }
            });
        }
        for (std::size_t now = noted; now < kHandSlots; now = noted) {
            noted.wait(now);
        }
        const InHand web("web");
        std::abort();
    });
    EXPECT_TRUE(marked().empty());
}

TEST_F(Deaths, OfThreadsThatCameAfterOthersEndedAreMarked) {
    die([] {
        for (std::size_t i = 0; i < 3 * kHandSlots; ++i) {
            std::jthread([] { const InHand web("web"); }).join();
        }
        const InHand db("db");
        std::abort();
    });
    ASSERT_EQ(marked().size(), 1U);
    EXPECT_EQ(marked()[0].app, "db");
}

TEST(WithoutSlots, HandsAreNotNoted) {
    const InHand web("web");
    EXPECT_EQ(contained_in_hand("db", [] { throw std::runtime_error("x"); }), "x");
}

}  // namespace
}  // namespace podreeve
