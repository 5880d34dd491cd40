#include "agent/reconcile/world_facts.h"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <netinet/in.h>
#include <poll.h>
#include <sstream>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>

#include "runtime/base/unique_fd.h"
#include "runtime/systemd/units.h"

namespace podreeve::reconcile {
namespace {

using manifests::StartCondition;
using supervise::Assessment;
using supervise::Outcome;
using Kind = manifests::StartConditionKind;

constexpr std::chrono::milliseconds kConnectWithin{200};
constexpr std::chrono::seconds kAnswerWithin{2};

Assessment pending(std::string why) {
    return {Outcome::Pending, std::move(why)};
}

Assessment of_path(const std::string& path) {
    std::error_code error;
    if (std::filesystem::exists(path, error)) {
        return {};
    }
    return pending(error ? error.message() : "");
}

struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;
    int family = AF_UNSPEC;
};

// "127.0.0.1:80", "[::1]:80", as manifests write it: an address and a port.
Address address_of(const std::string& text) {
    Address address;
    const std::size_t colon = text.rfind(':');
    std::string host = text.substr(0, colon);
    if (!host.empty() && host.front() == '[') {
        host = host.substr(1, host.size() - 2);
    }
    const auto port = htons(static_cast<std::uint16_t>(std::stoul(text.substr(colon + 1))));
    sockaddr_in v4{};
    sockaddr_in6 v6{};
    if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        v4.sin_port = port;
        std::memcpy(&address.storage, &v4, sizeof v4);
        address.size = sizeof v4;
        address.family = AF_INET;
    } else if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
        v6.sin6_family = AF_INET6;
        v6.sin6_port = port;
        std::memcpy(&address.storage, &v6, sizeof v6);
        address.size = sizeof v6;
        address.family = AF_INET6;
    }
    return address;
}

Assessment of_port(const std::string& text) {
    const Address address = address_of(text);
    if (address.family == AF_UNSPEC) {
        return {Outcome::Failed, "is no address"};
    }
    const UniqueFd fd(
        ::socket(address.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
    int error = fd ? 0 : errno;
    if (fd && ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address.storage),
                        address.size) != 0) {
        error = errno;
    }
    if (error == EINPROGRESS) {
        pollfd wait{fd.get(), POLLOUT, 0};
        if (::poll(&wait, 1, static_cast<int>(kConnectWithin.count())) != 1) {
            return pending("no answer");
        }
        socklen_t size = sizeof error;
        ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    }
    return error == 0 ? Assessment{} : pending(std::generic_category().message(error));
}

// A default route is what "online" can mean without asking anybody out there.
Assessment of_network() {
    std::ifstream v4("/proc/net/route");
    std::string line;
    while (std::getline(v4, line)) {
        std::istringstream words(line);
        std::string device, destination;
        words >> device >> destination;
        if (destination == "00000000") {
            return {};
        }
    }
    std::ifstream v6("/proc/net/ipv6_route");
    while (std::getline(v6, line)) {
        if (line.starts_with("00000000000000000000000000000000 00 ") && !line.ends_with(" lo")) {
            return {};
        }
    }
    return pending("there is no default route");
}

Assessment of_image(const std::string& image, podman::Client& podman, std::stop_token stop) {
    const Result<bool> exists = podman.image_exists(image, {kAnswerWithin, std::move(stop)});
    if (!exists) {
        return pending(exists.error().message);
    }
    return *exists ? Assessment{} : pending("");
}

Assessment of_unit(const std::string& unit) {
    systemd::UnitControl control(systemd::UnitControl::default_address(::geteuid()));
    const Result<systemd::UnitState> state = control.state(unit, kAnswerWithin);
    if (!state) {
        return pending(state.error().message);
    }
    if (state->active_state == "active") {
        return {};
    }
    if (state->load_state == "not-found") {
        return {Outcome::Failed, "there is no such unit"};
    }
    const bool failed = state->active_state == "failed";
    return {failed ? Outcome::Failed : Outcome::Pending,
            fmt::format("it is {}", state->active_state)};
}

Assessment look(const StartCondition& leaf, podman::Client& podman, std::stop_token stop) {
    switch (leaf.kind) {
        case Kind::Path:
            return of_path(leaf.subject);
        case Kind::Port:
            return of_port(leaf.subject);
        case Kind::Network:
            return of_network();
        case Kind::Image:
            return of_image(leaf.subject, podman, std::move(stop));
        case Kind::Unit:
            return of_unit(leaf.subject);
        case Kind::Service:
        case Kind::Time:
        case Kind::All:
        case Kind::Any:
            break;
    }
    return {};
}

}  // namespace

supervise::WorldFacts look_at(const std::map<supervise::LeafKey, StartCondition>& leaves,
                              podman::Client& podman,
                              std::stop_token stop) {
    supervise::WorldFacts facts;
    for (const auto& [key, leaf] : leaves) {
        facts[key] = look(leaf, podman, stop);
    }
    return facts;
}

}  // namespace podreeve::reconcile
