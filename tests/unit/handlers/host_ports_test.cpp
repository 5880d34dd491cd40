#include "agent/handlers/host_ports.h"

#include <arpa/inet.h>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "runtime/base/unique_fd.h"
#include "tests/unit/handlers/bench.h"

namespace podreeve::handlers {

namespace {

struct Taken {
    UniqueFd fd;
    std::uint16_t port = 0;
};

// A socket of this test that listens (or, for udp, is bound) on a port the kernel chose.
Taken take(int type, in_addr_t address) {
    Taken taken;
    taken.fd.reset(socket(AF_INET, type | SOCK_CLOEXEC, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(address);
    auto* plain = static_cast<sockaddr*>(static_cast<void*>(&name));
    socklen_t size = sizeof name;
    EXPECT_EQ(bind(taken.fd.get(), plain, size), 0);
    if (type == SOCK_STREAM) {
        EXPECT_EQ(listen(taken.fd.get(), 1), 0);
    }
    EXPECT_EQ(getsockname(taken.fd.get(), plain, &size), 0);
    taken.port = ntohs(name.sin_port);
    return taken;
}

podman::PortMapping mapping(std::uint16_t port, const char* protocol, const char* ip = "") {
    return {ip, 80, port, protocol};
}

TEST(HostPorts, AreTakenWhileAProgramListensAndItIsNamed) {
    Taken taken = take(SOCK_STREAM, INADDR_ANY);
    const Status status = check_host_port(mapping(taken.port, "tcp"));
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, Code::Conflict);
    EXPECT_NE(status.error().message.find(std::to_string(taken.port)), std::string::npos);
    EXPECT_NE(status.error().message.find(std::to_string(getpid())), std::string::npos)
        << status.error().message;
    const std::uint16_t port = taken.port;
    taken.fd.reset();
    EXPECT_TRUE(check_host_port(mapping(port, "tcp")));
    EXPECT_TRUE(check_host_port(mapping(port, "tcp"))) << "the check left nothing behind";
}

TEST(HostPorts, AreTakenOnOneAddressAndFreeOnAnother) {
    const Taken taken = take(SOCK_STREAM, INADDR_LOOPBACK);
    EXPECT_FALSE(check_host_port(mapping(taken.port, "tcp", "127.0.0.1")));
    EXPECT_TRUE(check_host_port(mapping(taken.port, "tcp", "127.0.0.2")));
}

TEST(HostPorts, AreCountedByProtocol) {
    const Taken taken = take(SOCK_DGRAM, INADDR_LOOPBACK);
    const Status status = check_host_port(mapping(taken.port, "udp", "127.0.0.1"));
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, Code::Conflict);
    EXPECT_TRUE(check_host_port(mapping(taken.port, "tcp", "127.0.0.1")));
}

TEST(HostPorts, HaveToBeOnThisMachine) {
    const Status elsewhere = check_host_port(mapping(8080, "tcp", "203.0.113.7"));
    ASSERT_FALSE(elsewhere);
    EXPECT_EQ(elsewhere.error().code, Code::InvalidArgument);
    EXPECT_NE(elsewhere.error().message.find("203.0.113.7"), std::string::npos);
    EXPECT_FALSE(check_host_port(mapping(8080, "tcp", "not an address")));
}

TEST(HostPorts, ThatAreNotPublishedAreFree) {
    EXPECT_TRUE(check_host_port(mapping(0, "tcp")));
}

TEST(HostPorts, HaveNoHolderWhenNobodyListens) {
    Taken taken = take(SOCK_STREAM, INADDR_LOOPBACK);
    const std::uint16_t port = taken.port;
    EXPECT_TRUE(port_holder(port, "tcp"));
    taken.fd.reset();
    EXPECT_FALSE(port_holder(port, "tcp"));
}

// To /proc the program that listens is podman's forwarder: stopping that helps nobody.
TEST(CheckPorts, NamesTheContainerOrTheAppThatHasThePort) {
    const Taken taken = take(SOCK_STREAM, INADDR_ANY);
    for (const bool ours : {true, false}) {
        testing::Bench bench;
        nlohmann::json spec{
            {"name", "theirs"},
            {"image", "localhost/busybox:latest"},
            {"command", {"top"}},
            {"portmappings", {{{"host_port", taken.port}, {"container_port", 80}}}}};
        if (ours) {
            spec["labels"] = {{"io.podreeve.app", "other"},
                              {"io.podreeve.owner", bench.state->owner()}};
        }
        bench.podman->create_behind_back(spec);
        testing::StoredTask check =
            bench.task(plan::StepKind::CheckPorts, "", "web",
                       {{"ports", {{{"host_port", taken.port}, {"protocol", "tcp"}}}}});
        const std::string error = bench.run(check);
        EXPECT_NE(error.find(ours ? "app other has it" : "container theirs has it"),
                  std::string::npos)
            << error;
    }
}

}  // namespace

}  // namespace podreeve::handlers
