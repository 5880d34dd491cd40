#include "manifests/ports.h"

#include <algorithm>
#include <arpa/inet.h>

#include <fmt/format.h>

namespace podreeve::manifests {

bool is_ip_address(const std::string& text) {
    in6_addr buffer{};
    return inet_pton(AF_INET, text.c_str(), &buffer) == 1 ||
           inet_pton(AF_INET6, text.c_str(), &buffer) == 1;
}

std::string read_host_ip(const Place& place) {
    const auto text = place.text(Reading::Verbatim);
    if (!text || text->empty() || *text == "0.0.0.0" || *text == "::") {
        return {};
    }
    if (!is_ip_address(*text)) {
        place.fail(fmt::format("'{}' is not an IP address", *text), "127.0.0.1, ::1, …");
        return {};
    }
    return *text;
}

bool ports_clash(const Port& a, const Port& b) {
    return a.host_port != 0 && a.host_port == b.host_port && a.protocol == b.protocol &&
           (a.host_ip.empty() || b.host_ip.empty() || a.host_ip == b.host_ip);
}

std::string to_text(const Port& port) {
    const bool v6 = port.host_ip.find(':') != std::string::npos;
    const std::string address = v6 ? fmt::format("[{}]", port.host_ip) : port.host_ip;
    return fmt::format("{}{}{}/{}", address, address.empty() ? "" : ":", port.host_port,
                       port.protocol);
}

void check_port_is_free(const Place& place, const std::vector<Port>& ports) {
    const auto clashes = [&](const Port& port) { return ports_clash(port, ports.back()); };
    if (std::any_of(ports.begin(), ports.end() - 1, clashes)) {
        place.fail(fmt::format("the host port {} is taken above", to_text(ports.back())));
    }
}

}  // namespace podreeve::manifests
