#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "runtime/http/client.h"
#include "runtime/podman/client.h"
#include "tests/fakes/fake_podman/fake_podman.h"

namespace podreeve::contract {

using nlohmann::json;
using podman::Client;
using podman::Effect;
using Names = std::vector<std::string>;

inline constexpr const char* kImage = "localhost/busybox:latest";

// // A process that runs until told to stop and then exits with 3 (once it has said "ready" in its
// log); one that must be killed; one that is over.
Names obedient();
Names stubborn();
Names failing(int code);

// What every test here talks to: the fake, or the real podman whose socket PODREEVE_PODMAN_SOCKET
// names. PODREEVE_FAKE_VERSION chooses what the fake is. Where podmans differ, the version that
// answers decides what is expected, and each branch asserts something. Whatever is made is named
// contract-… and removed.
class Contract : public testing::Test {
  protected:
    void SetUp() override;
    void TearDown() override;

    bool real() const { return fake_ == nullptr; }

    fakes::FakePodman& fake() { return *fake_; }

    const podman::Version& version() const { return version_; }

    // Whether played pods may be started: podman 4.3 can lock itself up for good when a pod of the
    // exit policy `stop`, as play makes them, is removed while it runs (removal and cleanup take
    // the locks of pod and container in opposite order).
    bool may_start_played() const { return at_least(5, 0); }

    bool at_least(int major, int minor) const {
        return version_ >= podman::Version{major, minor, 0};
    }

    static podman::CallOptions call(Duration timeout = std::chrono::seconds(30)) {
        return {timeout, {}};
    }

    // One request as it is, below /libpod of the version of path the client uses.
    http::Response raw(const std::string& method,
                       const std::string& path,
                       const std::string& body = "",
                       const std::string& content_type = "application/json");
    http::Response raw_at(const std::string& prefix,
                          const std::string& method,
                          const std::string& path,
                          const std::string& body,
                          const std::string& content_type);

    // Made with the client, expecting success; the id.
    std::string make(const std::string& name,
                     const Names& command,
                     const std::string& pod = "",
                     const std::function<void(podman::ContainerCreate&)>& more = {});
    std::string start(const std::string& name, const Names& command);  // make and start
    std::string make_pod(const std::string& name,
                         const std::function<void(podman::PodCreate&)>& more = {});
    // Waits until an obedient one has set its trap, at its n-th start: a signal before is lost on
    // PID 1.
    void await_ready(const std::string& name, int starts = 1);
    podman::ContainerSummary row(const std::string& name);  // of the list; empty id when absent
    podman::PodSummary pod_row(const std::string& name);
    podman::ContainerState state(const std::string& name);
    // Its process has ended: `stopped` first, `exited` when podman has cleaned up behind it.
    bool over(const std::string& name);
    // Asks again until it holds, for what podman does in its own time.
    bool eventually(const std::function<bool()>& holds);
    // Lets so much time pass that podman's service ends for want of work.
    void idle_exit();

    std::unique_ptr<Client> client_;
    std::string socket_;
    uid_t owner_ = 0;  // of the socket

  private:
    void clean();

    std::unique_ptr<fakes::FakePodman> fake_;
    std::unique_ptr<http::HttpClient> http_;
    podman::Version version_;
};

// A stop token for what must not be waited for for ever.
class Patience {
  public:
    Patience();

    std::stop_token token() const { return over_.get_token(); }

  private:
    std::stop_source over_;
    std::jthread watch_;
};

}  // namespace podreeve::contract

#define ASSERT_OK(expression)                                            \
    do {                                                                 \
        const auto contract_result = (expression);                       \
        ASSERT_TRUE(contract_result) << contract_result.error().message; \
    } while (false)

#define EXPECT_OK(expression)                                            \
    do {                                                                 \
        const auto contract_result = (expression);                       \
        EXPECT_TRUE(contract_result) << contract_result.error().message; \
    } while (false)

// The call fails with that code.
#define EXPECT_FAILS(expected, expression)                      \
    do {                                                        \
        const auto contract_result = (expression);              \
        ASSERT_FALSE(contract_result);                          \
        EXPECT_EQ(contract_result.error().code, Code::expected) \
            << contract_result.error().message;                 \
    } while (false)
