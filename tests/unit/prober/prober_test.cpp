#include "runtime/prober/prober.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <net/if.h>
#include <netinet/in.h>
#include <optional>
#include <sched.h>
#include <spawn.h>
#include <sstream>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/fakes/fake_time.h"
#include "tests/unit/prober/peer.h"

namespace podreeve::prober {
namespace {

using probe::Outcome;
using probe::ProbeResult;
using probe::ProbeSpec;
using probe::Protocol;

const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

class AskerTest : public testing::Test {
  protected:
    void SetUp() override {
        ::signal(SIGPIPE, SIG_IGN);
        auto made = Prober::create(clock_);
        ASSERT_TRUE(made);
        asker_ = std::move(*made);
    }

    static ProbeSpec probe(Protocol kind, std::vector<std::uint16_t> ports) {
        ProbeSpec out;
        out.kind = kind;
        out.pid = ::getpid();
        out.ports = std::move(ports);
        out.path = "/";
        out.timeout = std::chrono::seconds(10);
        return out;
    }

    // Turns until that many answers are there.
    std::vector<ProbeResult> wait_for(std::size_t count) {
        std::vector<ProbeResult> out;
        const SteadyTime end = clock_.steady_now() + std::chrono::seconds(20);
        while (out.size() < count && clock_.steady_now() < end) {
            EXPECT_TRUE(asker_->turn(-1, std::chrono::milliseconds(100)));
            for (ProbeResult& result : asker_->results()) {
                out.push_back(std::move(result));
            }
        }
        EXPECT_EQ(out.size(), count);
        return out;
    }

    void learn(std::uint32_t number, const ProbeSpec& what) {
        auto namespaces = probe::open_namespaces(what.pid);
        const std::string trouble = namespaces ? "" : namespaces.error().message;
        asker_->take(probe::wire::Learn{number, what, trouble},
                     namespaces ? std::move(*namespaces) : probe::Namespaces{});
    }

    ProbeResult ask(const ProbeSpec& what) {
        learn(1, what);
        return ask_again();
    }

    ProbeResult ask_again() {
        asker_->take(probe::wire::Ask{{1}});
        const std::vector<ProbeResult> results = wait_for(1);
        return results.empty() ? ProbeResult{} : results[0];
    }

    static ProbeResult success() { return {1, Outcome::Success, ""}; }

    static ProbeResult failure(const std::string& text) { return {1, Outcome::Failure, text}; }

    SystemClock clock_;
    std::unique_ptr<Prober> asker_;
};

TEST_F(AskerTest, AnOpenPortIsASuccess) {
    const Peer peer(silent());
    EXPECT_EQ(ask(probe(Protocol::Tcp, {peer.port()})), success());
    EXPECT_EQ(ask_again(), success());
}

TEST_F(AskerTest, AClosedPortIsRefused) {
    const std::uint16_t port = closed_port();
    EXPECT_EQ(ask(probe(Protocol::Tcp, {port})),
              failure("port " + std::to_string(port) + ": connection refused"));
}

TEST_F(AskerTest, AllPortsHaveToBeOpen) {
    const Peer one(silent());
    const Peer two(silent(), "::1");
    const std::uint16_t closed = closed_port();
    EXPECT_EQ(ask(probe(Protocol::Tcp, {one.port(), two.port()})), success());
    EXPECT_EQ(ask(probe(Protocol::Tcp, {one.port(), closed, two.port()})),
              failure("port " + std::to_string(closed) + ": connection refused"));
}

TEST_F(AskerTest, AServerMayListenOnOneFamilyAlone) {
    for (const char* address : {"127.0.0.1", "::1", "::", "0.0.0.0"}) {
        const Peer peer(answering(kOk), address);
        EXPECT_EQ(ask(probe(Protocol::Http, {peer.port()})), success()) << address;
        EXPECT_EQ(ask_again(), success()) << address;
    }
}

TEST_F(AskerTest, AnAddressThatIsNamedIsTheOnlyOne) {
    const Peer peer(silent(), "127.0.0.2");
    ProbeSpec what = probe(Protocol::Tcp, {peer.port()});
    EXPECT_EQ(ask(what).outcome, Outcome::Failure);
    what.host = "127.0.0.2";
    EXPECT_EQ(ask(what), success());
}

TEST_F(AskerTest, HttpTellsByTheStatus) {
    const Peer good(answering(kOk));
    const Peer bad(answering("HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n"));
    EXPECT_EQ(ask(probe(Protocol::Http, {good.port()})), success());
    EXPECT_EQ(ask(probe(Protocol::Http, {bad.port()})),
              failure("port " + std::to_string(bad.port()) + ": / answered 503"));
}

TEST_F(AskerTest, HttpsTakesAnyCertificate) {
    const Peer peer(answering_in_tls(kOk));
    ProbeSpec what = probe(Protocol::Http, {peer.port()});
    what.tls = true;
    EXPECT_EQ(ask(what), success());
    EXPECT_EQ(ask_again(), success());
}

TEST_F(AskerTest, HttpsOfAServerWithoutTlsFails) {
    const Peer peer(answering("HTTP/1.1 400 Bad Request\r\n\r\n"));
    ProbeSpec what = probe(Protocol::Http, {peer.port()});
    what.tls = true;
    what.timeout = std::chrono::milliseconds(200);
    const ProbeResult result = ask(what);
    EXPECT_EQ(result.outcome, Outcome::Failure);
}

TEST_F(AskerTest, GrpcIsAskedInItsOwnWords) {
    const std::string settings("\0\0\0\4\0\0\0\0\0", 9);
    const std::string serving("\0\0\7\0\0\0\0\0\1\0\0\0\0\2\10\1", 16);
    const Peer peer([&](int fd) {
        const std::string heard = read_until(fd, "trailers");
        EXPECT_NE(heard.find("/grpc.health.v1.Health/Check"), std::string::npos);
        write_all(fd, settings + serving);
        read_until(fd, "never");
    });
    EXPECT_EQ(ask(probe(Protocol::Grpc, {peer.port()})), success());
}

TEST_F(AskerTest, ASilentServerRunsOutOfTime) {
    const Peer peer(silent());
    ProbeSpec what = probe(Protocol::Http, {peer.port()});
    what.timeout = std::chrono::milliseconds(50);
    EXPECT_EQ(ask(what),
              failure("port " + std::to_string(peer.port()) + ": no answer within 50ms"));
}

TEST_F(AskerTest, HundredsAreAskedAtOnce) {
    const Peer peer(answering(kOk));
    std::vector<std::uint32_t> all;
    for (std::uint32_t number = 1; number <= 300; ++number) {
        learn(number, probe(number % 2 == 0 ? Protocol::Http : Protocol::Tcp, {peer.port()}));
        all.push_back(number);
    }
    asker_->take(probe::wire::Ask{all});
    for (const ProbeResult& result : wait_for(300)) {
        EXPECT_EQ(result.outcome, Outcome::Success) << result.text;
    }
}

// Its sockets are used again and again, whatever became of the connection before.
TEST_F(AskerTest, OneAskingAfterTheOtherGetsItsOwnAnswer) {
    const Peer peer(answering(kOk));
    const std::uint16_t closed = closed_port();
    const auto open_files = [] {
        return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                             std::filesystem::directory_iterator());
    };
    for (std::uint32_t number = 1; number <= 4; ++number) {
        learn(number, probe(number % 2 == 0 ? Protocol::Http : Protocol::Tcp,
                            {number == 3 ? closed : peer.port()}));
    }
    std::ptrdiff_t files = 0;
    for (int round = 0; round < 50; ++round) {
        asker_->take(probe::wire::Ask{{1, 2, 3, 4}});
        for (const ProbeResult& result : wait_for(4)) {
            EXPECT_EQ(result.outcome, result.probe == 3 ? Outcome::Failure : Outcome::Success)
                << result.text;
        }
        files = round == 10 ? open_files() : files;
    }
    EXPECT_LE(open_files(), files + 1) << "the peer may have one more";
}

TEST_F(AskerTest, AQuestionThatIsForgottenIsNotAnswered) {
    const Peer peer(silent());
    learn(1, probe(Protocol::Http, {peer.port()}));
    learn(2, probe(Protocol::Tcp, {peer.port()}));
    asker_->take(probe::wire::Ask{{1, 2}});
    asker_->take(probe::wire::Forget{1});
    EXPECT_EQ(wait_for(1)[0].probe, 2U);
    EXPECT_TRUE(asker_->turn(-1, std::chrono::milliseconds(20)));
    EXPECT_TRUE(asker_->results().empty());
    EXPECT_EQ(ask_again().outcome, Outcome::Unknown);
}

// Askings that go on by themselves, on a clock that is turned by hand.
class Keeping : public AskerTest {
  protected:
    void SetUp() override {
        auto made = Prober::create(time_);
        ASSERT_TRUE(made);
        asker_ = std::move(*made);
        peer_.emplace([this](int) { ++asked_; });
        learn(1, probe(Protocol::Tcp, {peer_->port()}));
    }

    void keep(std::chrono::milliseconds first) {
        asker_->take(probe::wire::Keep{1, first, std::chrono::seconds(2)});
    }

    // Lets that time pass in steps, and until what was begun has been taken by the peer.
    void pass(std::chrono::milliseconds time) {
        const auto step = std::chrono::milliseconds(50);
        for (auto left = time; left.count() > 0; left -= step) {
            time_.advance(step);
            EXPECT_TRUE(asker_->turn(-1, std::chrono::milliseconds(0)));
        }
    }

    // How often it was asked since the last call, once it was at least that often.
    int asked(int at_least) {
        const SteadyTime end = clock_.steady_now() + std::chrono::seconds(20);
        while (asked_ < at_least && clock_.steady_now() < end) {
            std::this_thread::yield();
        }
        return asked_.exchange(0);
    }

    fakes::FakeTime time_;
    std::atomic<int> asked_ = 0;
    std::optional<Peer> peer_;
};

TEST_F(Keeping, IsAskedEveryPeriodAndNobodyIsToldWhileItIsWell) {
    keep(std::chrono::milliseconds(500));
    pass(std::chrono::seconds(20));
    EXPECT_EQ(asked(10), 10);
    EXPECT_TRUE(asker_->results().empty());
}

TEST_F(Keeping, TheFirstFailureIsToldOnceAndEndsIt) {
    keep(std::chrono::milliseconds(500));
    pass(std::chrono::seconds(2));
    peer_.reset();
    pass(std::chrono::seconds(20));
    const std::vector<ProbeResult> results = asker_->results();
    ASSERT_EQ(results.size(), 1U);
    EXPECT_EQ(results[0].outcome, Outcome::Failure);
    EXPECT_TRUE(asker_->idle());
}

TEST_F(Keeping, EndsWhenItIsAskedOrForgotten) {
    keep(std::chrono::milliseconds(500));
    asker_->take(probe::wire::Ask{{1}});
    pass(std::chrono::seconds(10));
    EXPECT_EQ(asked(1), 1);
    EXPECT_EQ(asker_->results().size(), 1U);
    keep(std::chrono::milliseconds(500));
    asker_->take(probe::wire::Forget{1});
    pass(std::chrono::seconds(10));
    EXPECT_EQ(asked(0), 0);
    EXPECT_TRUE(asker_->results().empty());
}

TEST_F(Keeping, ThoseOfOneNetworkAreAskedAtOnce) {
    for (std::uint32_t number = 2; number <= 5; ++number) {
        learn(number, probe(Protocol::Tcp, {peer_->port()}));
    }
    for (std::uint32_t number = 1; number <= 5; ++number) {
        asker_->take(probe::wire::Keep{number, std::chrono::milliseconds(200 * number),
                                       std::chrono::seconds(2)});
    }
    pass(std::chrono::seconds(4));
    ASSERT_EQ(asked(10), 10);
    int rounds = 0;
    for (int step = 0; step < 80; ++step) {
        pass(std::chrono::milliseconds(50));
        if (const int first = asked(0); first > 0) {
            // The server may take one a moment after the others; no time passes for the prober.
            ASSERT_EQ(first + asked(5 - first), 5) << "at step " << step;
            ++rounds;
        }
    }
    rounds += asked(0) > 0 ? 1 : 0;
    EXPECT_EQ(rounds, 2) << "of two seconds each";
}

TEST_F(AskerTest, WhatCannotBeAskedIsUnknown) {
    pid_t gone = 0;
    char* const argv[] = {const_cast<char*>("true"), nullptr};
    ASSERT_EQ(::posix_spawnp(&gone, "true", nullptr, nullptr, argv, environ), 0);
    ::waitpid(gone, nullptr, 0);
    ProbeSpec what = probe(Protocol::Tcp, {1});
    what.pid = gone;
    EXPECT_EQ(ask(what),
              (ProbeResult{1, Outcome::Unknown, "cannot ask: the container's process is gone"}));
}

struct Flood {
    const char* name;
    Protocol kind;
    bool tls;
    Peer::Script says;
    const char* failure;
};

// And while they do, others are answered.
TEST_F(AskerTest, ServersThatNeverStopTalkingAreTakenForFailures) {
    const Flood floods[] = {
        {"heads", Protocol::Http, false, flooding("HTTP/1.1 100 Continue\r\n\r\n"),
         "the answer has no end of headers"},
        {"a head", Protocol::Http, false, flooding("HTTP/1.1 200 OK\r\nX: y"),
         "the answer has no end of headers"},
        {"tickets", Protocol::Http, true, flooding_in_tls(), "closed without an answer"},
        {"acknowledgements", Protocol::Grpc, false, flooding(std::string("\0\0\0\4\1\0\0\0\0", 9)),
         "says too much and no answer"},
    };
    const Peer good(answering(kOk));
    for (const Flood& flood : floods) {
        const Peer evil(flood.says);
        ProbeSpec what = probe(flood.kind, {evil.port()});
        what.tls = flood.tls;
        learn(1, what);
        learn(2, probe(Protocol::Http, {good.port()}));
        asker_->take(probe::wire::Ask{{1, 2}});
        for (const ProbeResult& result : wait_for(2)) {
            if (result.probe == 2) {
                EXPECT_EQ(result.outcome, Outcome::Success) << flood.name << ": " << result.text;
            } else {
                EXPECT_EQ(result,
                          failure("port " + std::to_string(evil.port()) + ": " + flood.failure))
                    << flood.name;
            }
        }
    }
}

// Each look at it is a millisecond later than the one before.
class HurriedClock final : public Clock {
  public:
    SteadyTime steady_now() const override {
        now_ += std::chrono::milliseconds(1);
        return now_;
    }

    WallTime system_now() const override { return {}; }

  private:
    mutable SteadyTime now_{std::chrono::hours(1)};
};

TEST_F(AskerTest, WhatIsCutShortAgainAndAgainGoesOnAndEnds) {
    const HurriedClock hurried;
    asker_ = std::move(*Prober::create(hurried));
    const Peer peer(answering("HTTP/1.1 103 X\r\n\r\n" + kOk));
    const Peer tls(answering_in_tls(kOk));
    ProbeSpec what = probe(Protocol::Http, {closed_port(), peer.port()});
    what.timeout = std::chrono::hours(1);
    EXPECT_EQ(ask(what).outcome, Outcome::Failure) << "refused by all addresses there are";
    what.ports = {peer.port()};
    EXPECT_EQ(ask(what), success());
    what.ports = {tls.port()};
    what.tls = true;
    EXPECT_EQ(ask(what), success());
}

TEST_F(AskerTest, WhoAnswersWithinTheTimeIsNotBlamedForOursBeingOver) {
    fakes::FakeTime time;
    asker_ = std::move(*Prober::create(time));
    std::atomic<bool> said = false;
    const Peer peer([&](int fd) {
        read_until(fd, "\r\n\r\n");
        write_all(fd, kOk);
        said = true;
        read_until(fd, "never");
    });
    learn(1, probe(Protocol::Http, {peer.port()}));
    asker_->take(probe::wire::Ask{{1}});
    const SteadyTime end = clock_.steady_now() + std::chrono::seconds(20);
    while (!said && clock_.steady_now() < end) {
        std::this_thread::yield();
    }
    time.advance(std::chrono::seconds(60));  // we were busy
    EXPECT_EQ(wait_for(1), std::vector<ProbeResult>{success()});
}

// A process in a network of its own, whose loopback interface has forty more addresses.
class ManyAddresses {
  public:
    ManyAddresses() {
        int ready[2];
        EXPECT_EQ(::pipe2(ready, O_CLOEXEC), 0);
        pid_ = ::fork();
        if (pid_ == 0) {
            const char made = ::unshare(CLONE_NEWNET) == 0 && give_addresses() ? 'y' : 'n';
            (void)!::write(ready[1], &made, 1);
            while (true) {
                ::pause();
            }
        }
        char made = 'n';
        (void)!::read(ready[0], &made, 1);
        there_ = made == 'y';
        ::close(ready[0]);
        ::close(ready[1]);
    }

    ~ManyAddresses() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }

    ManyAddresses(const ManyAddresses&) = delete;
    ManyAddresses& operator=(const ManyAddresses&) = delete;

    bool there() const { return there_; }

    pid_t pid() const { return pid_; }

    // "Tcp: RtoAlgorithm … ActiveOpens …" and a line of numbers.
    int connects() const {
        std::ifstream in("/proc/" + std::to_string(pid_) + "/net/snmp");
        std::string names, numbers, name;
        while (std::getline(in, names) && std::getline(in, numbers)) {
            int number = 0;
            std::istringstream heads(names), values(numbers);
            std::string first;
            heads >> first;
            values >> first;
            while (first == "Tcp:" && heads >> name && values >> number) {
                if (name == "ActiveOpens") {
                    return number;
                }
            }
        }
        return -1;
    }

  private:
    static bool give_addresses() {
        const UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        ifreq request{};
        std::strcpy(&request.ifr_name[0], "lo");
        request.ifr_flags = IFF_UP;
        bool done = ::ioctl(fd.get(), SIOCSIFFLAGS, &request) == 0;
        for (int i = 1; done && i <= 40; ++i) {
            const std::string alias = "lo:" + std::to_string(i);
            std::strcpy(&request.ifr_name[0], alias.c_str());
            sockaddr_in address{};
            address.sin_family = AF_INET;
            address.sin_addr.s_addr = htonl(0x0a000000U + static_cast<unsigned>(i));  // 10.0.0.i
            std::memcpy(&request.ifr_addr, &address, sizeof address);
            done = ::ioctl(fd.get(), SIOCSIFADDR, &request) == 0;
        }
        return done;
    }

    pid_t pid_ = 0;
    bool there_ = false;
};

TEST_F(AskerTest, OfManyAddressesAFewAreTried) {
    ASSERT_EQ(::geteuid(), 0U) << "needs root, who can make a network";
    const ManyAddresses container;
    ASSERT_TRUE(container.there());
    ProbeSpec what = probe(Protocol::Tcp, {1});
    what.pid = container.pid();
    EXPECT_EQ(ask(what), failure("port 1: connection refused"));
    EXPECT_LE(container.connects(), 8);
    EXPECT_GE(container.connects(), 6) << "the addresses were not there";
}

TEST(InterfaceAddresses, AreNoMoreThanAskedFor) {
    const std::vector<Address> all = interface_addresses(100);
    EXPECT_LE(all.size(), 100U);
    for (const Address& address : all) {
        EXPECT_EQ(std::count(loopback_addresses().begin(), loopback_addresses().end(), address), 0);
    }
    EXPECT_TRUE(interface_addresses(0).empty());
}

}  // namespace
}  // namespace podreeve::prober
