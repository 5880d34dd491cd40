#include "manifests/probes.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "manifests/expand.h"
#include "manifests/ports.h"
#include "runtime/base/nearest.h"

namespace podreeve::manifests {
namespace {

constexpr std::int64_t kMaxSeconds = 24 * 60 * 60;
constexpr std::int64_t kMaxThreshold = std::numeric_limits<int>::max();
constexpr std::size_t kMaxHttpBytes = 16 * 1024;  // path and headers, all told
constexpr std::size_t kMaxTextBytes = 4 * 1024;   // each path, header and service
constexpr std::chrono::seconds kOpenPortsPeriod{5};

using ReadProbe = void (*)(const Place&, const ProbeContext&, Probe&);

struct ProbeAction {
    const char* field;
    ProbeKind kind;
    ReadProbe read;
};

std::optional<std::uint16_t> port_number(const std::string& text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    return whole && port != 0 ? std::optional(port) : std::nullopt;
}

bool is_number(const std::string& text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

void complain_port(const Place& place, const std::string& name, const ProbeContext& context) {
    if (is_number(name)) {
        place.fail("must be a port", "1 to 65535, or the name of one of the container's ports");
        return;
    }
    std::vector<std::string> names;
    for (const auto& [known, number] : context.ports) {
        names.push_back(known);
    }
    place.fail(fmt::format("the container has no port named '{}'", name),
               fmt::format("{}", fmt::join(names, ", ")), nearest_name(name, names));
}

void read_port(const Place& place, const ProbeContext& context, Probe& out) {
    const auto text = place.required_text(Reading::Verbatim);
    if (!text) {
        return;
    }
    if (const auto named = context.ports.find(*text); named != context.ports.end()) {
        out.ports = {named->second};
    } else if (const auto number = port_number(*text)) {
        out.ports = {*number};
    } else {
        complain_port(place, *text, context);
    }
}

// A name would need a resolver that every probe waits for, and may mean another host each time.
void read_host(const Place& place, Probe& out) {
    const auto text = place.text(Reading::Verbatim);
    if (!text || text->empty() || *text == "localhost") {
        return;
    }
    if (is_ip_address(*text)) {
        out.host = *text;
    } else {
        place.fail(
            fmt::format("'{}' is not an address; for a virtual host set the header Host", *text),
            "an IP address, localhost");
    }
}

bool is_printable(const std::string& text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte >= 0x20 && byte != 0x7F;
    });
}

// What is sent to a server as it stands; the prober takes it in one packet.
bool is_short(const Place& place, std::size_t size) {
    if (size > kMaxTextBytes) {
        place.fail("is too long", "4096 bytes");
        return false;
    }
    return true;
}

void take_path(const Place& place, const std::string& path, Probe& out) {
    if (!is_printable(path) || path.find(' ') != std::string::npos) {
        place.fail("must be the path of a URL, without spaces");
    } else if (is_short(place, path.size())) {
        out.path = path.empty() || path.front() != '/' ? "/" + path : path;
    }
}

void read_path(const Place& place, Probe& out) {
    take_path(place, place.text().value_or(""), out);
}

void read_header(const Place& place, Probe& out) {
    if (!place.check_fields(fields::kHttpHeader)) {
        return;
    }
    const auto name = place["name"].required_text();
    const auto value = place["value"].text(Reading::Verbatim);
    if (!name) {
        return;
    }
    const bool token = std::all_of(name->begin(), name->end(), [](char c) {
        return c > ' ' && c < 0x7F &&
               std::string_view("()<>@,;:\\\"/[]?={}").find(c) == std::string_view::npos;
    });
    if (!token) {
        place["name"].fail(fmt::format("'{}' is not the name of a header", *name));
    } else if (value && !is_printable(*value)) {
        place["value"].fail("must be one line");  // it is not shown: it may be secret
    } else if (is_short(place, name->size() + value.value_or("").size())) {
        out.headers.emplace_back(*name, value.value_or(""));
    }
}

void read_http(const Place& place, const ProbeContext& context, Probe& out) {
    if (!place.check_fields(fields::kHttpGet)) {
        return;
    }
    read_port(place["port"], context, out);
    read_host(place["host"], out);
    read_path(place["path"], out);
    out.tls = place["scheme"].one_of({"HTTP", "HTTPS"}).value_or("HTTP") == "HTTPS";
    const Place headers = place["httpHeaders"];
    std::size_t size = out.path.size();
    for (const Place& header : headers.items()) {
        read_header(header, out);
    }
    for (const auto& [name, value] : out.headers) {
        size += name.size() + value.size();
    }
    if (size > kMaxHttpBytes) {
        headers.fail("path and headers are too long", "16 KiB in all");
    }
}

void read_tcp(const Place& place, const ProbeContext& context, Probe& out) {
    if (place.check_fields(fields::kTcpSocket)) {
        read_port(place["port"], context, out);
        read_host(place["host"], out);
    }
}

void read_grpc(const Place& place, const ProbeContext&, Probe& out) {
    if (!place.check_fields(fields::kGrpc)) {
        return;
    }
    if (place["port"].require()) {  // Kubernetes takes no name here
        if (const auto port = place["port"].integer(1, 65535)) {
            out.ports = {static_cast<std::uint16_t>(*port)};
        }
    }
    const std::string service = place["service"].text().value_or("");
    if (!is_printable(service)) {
        place["service"].fail("must be the name of a service, on one line");
    } else if (is_short(place["service"], service.size())) {
        out.service = service;
    }
}

void read_exec(const Place& place, const ProbeContext& context, Probe& out) {
    if (!place.check_fields(fields::kExec) || !place["command"].require()) {
        return;
    }
    for (const std::string& word : place["command"].texts()) {
        out.command.push_back(expand_variables(word, context.env));
    }
    if (out.command.empty() && place["command"].is_list() &&
        place["command"].node()->items.empty()) {
        place["command"].fail("must hold a command");
    }
}

constexpr ProbeAction kActions[] = {{"exec", ProbeKind::Exec, read_exec},
                                    {"grpc", ProbeKind::Grpc, read_grpc},
                                    {"httpGet", ProbeKind::Http, read_http},
                                    {"tcpSocket", ProbeKind::Tcp, read_tcp}};

bool read_action(const Place& place, const ProbeContext& context, Probe& out) {
    const ProbeAction* chosen = nullptr;
    for (const ProbeAction& action : kActions) {
        const Place field = place[action.field];
        if (!field.present()) {
            continue;
        }
        if (chosen != nullptr) {
            field.fail_at_key(
                fmt::format("a probe asks in one way, and {} is given as well", chosen->field));
            return false;
        }
        chosen = &action;
    }
    if (chosen == nullptr) {
        place.fail("does not say how to ask", "exec, grpc, httpGet, tcpSocket");
        return false;
    }
    out.kind = chosen->kind;
    chosen->read(place[chosen->field], context, out);
    return !out.ports.empty() || !out.command.empty();
}

std::chrono::seconds read_seconds(const Place& place,
                                  std::int64_t least,
                                  std::chrono::seconds unset) {
    const auto seconds = place.integer(least, kMaxSeconds);
    return seconds ? std::chrono::seconds(*seconds) : unset;
}

void read_thresholds(const Place& place, ProbeUse use, Probe& out) {
    const auto failure = place["failureThreshold"].integer(1, kMaxThreshold);
    out.failure_threshold = static_cast<int>(failure.value_or(out.failure_threshold));
    const Place success = place["successThreshold"];
    const auto count = success.integer(1, kMaxThreshold);
    out.success_threshold = static_cast<int>(count.value_or(out.success_threshold));
    if (use != ProbeUse::Readiness && out.success_threshold != 1) {
        success.fail("must be 1 but for readiness", "1");
    }
}

void read_rhythm(const Place& place, ProbeUse use, Probe& out) {
    out.initial_delay = read_seconds(place["initialDelaySeconds"], 0, out.initial_delay);
    out.period = read_seconds(place["periodSeconds"], 1, out.period);
    out.timeout = read_seconds(place["timeoutSeconds"], 1, out.timeout);
    const Place grace = place["terminationGracePeriodSeconds"];
    if (use == ProbeUse::Readiness && grace.present()) {
        grace.fail_at_key("readiness stops nothing, so there is no grace");
    } else if (const auto seconds = grace.integer(1, kMaxSeconds)) {
        out.stop_grace = std::chrono::seconds(*seconds);
    }
}

// "30s", "5m", "1h" or whole seconds without a unit.
std::optional<std::chrono::seconds> read_span(const Place& place) {
    const auto text = place.text(Reading::Verbatim);
    if (!text) {
        return std::nullopt;
    }
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
    const std::string_view unit(end, static_cast<std::size_t>(text->data() + text->size() - end));
    const std::int64_t factor = unit.empty() || unit == "s" ? 1
                                : unit == "m"               ? 60
                                : unit == "h"               ? 3600
                                                            : 0;
    const bool fits =
        error == std::errc() && factor != 0 && number >= 1 && number <= kMaxSeconds / factor;
    if (!fits) {
        place.fail(fmt::format("'{}' is not a time of 1 s to 24 h", *text), "30s, 5m, 1h");
        return std::nullopt;
    }
    return std::chrono::seconds(number * factor);
}

struct Endpoint {
    std::string host;
    std::string port;
    std::string path;
    bool tls = false;
};

// "http://localhost:8080/path", "localhost:8080", ":8080", "8080".
Endpoint split_endpoint(std::string_view text) {
    Endpoint out;
    if (const auto scheme = text.find("://"); scheme != std::string_view::npos) {
        out.tls = text.substr(0, scheme) == "https";
        out.port = out.tls ? "443" : "80";
        text.remove_prefix(scheme + 3);
    }
    if (const auto slash = text.find('/'); slash != std::string_view::npos) {
        out.path = text.substr(slash);
        text = text.substr(0, slash);
    }
    const auto bracket = text.rfind(']');
    const auto colon = text.rfind(':');
    if (colon != std::string_view::npos && (bracket == std::string_view::npos || bracket < colon)) {
        out.port = text.substr(colon + 1);
        text = text.substr(0, colon);
    } else if (out.port.empty()) {
        out.port = text;
        text = {};
    }
    if (text.size() >= 2 && text.front() == '[' && text.back() == ']') {
        text = text.substr(1, text.size() - 2);
    }
    out.host = text;
    return out;
}

bool read_endpoint(const Place& place, Probe& out) {
    const auto text = place.required_text(Reading::Verbatim);
    if (!text) {
        return false;
    }
    const Endpoint endpoint = split_endpoint(*text);
    const auto port = port_number(endpoint.port);
    const bool local = endpoint.host.empty() || endpoint.host == "localhost";
    if (!port || (!local && !is_ip_address(endpoint.host))) {
        // Not quoted: the URL of a probe may bear a password or a token.
        place.fail("it does not say where to ask", "http://localhost:8080, localhost:8080, 8080");
        return false;
    }
    out.ports = {*port};
    out.host = local ? "" : endpoint.host;
    out.tls = endpoint.tls;
    if (!endpoint.path.empty()) {
        take_path(place, endpoint.path, out);
    }
    return true;
}

bool read_check(const Place& place, const std::string& type, Probe& out) {
    const Place endpoint = place["endpoint"];
    if (type == "cmd" || type == "exec-cmd") {
        out.kind = ProbeKind::Exec;
        if (const auto line = endpoint.required_text(Reading::Verbatim)) {
            out.command = {"/bin/sh", "-c", *line};
        }
        return !out.command.empty();
    }
    out.kind = type == "http" ? ProbeKind::Http : ProbeKind::Tcp;
    if (!read_endpoint(endpoint, out)) {
        return false;
    }
    if (out.kind == ProbeKind::Tcp) {
        out.path.clear();
        out.tls = false;
    } else if (place["path"].present() || out.path.empty()) {
        read_path(place["path"], out);
    }
    return true;
}

}  // namespace

std::optional<Probe> read_probe(const Place& place, ProbeUse use, const ProbeContext& context) {
    if (!place.check_fields(fields::kProbe)) {
        return std::nullopt;
    }
    Probe out;
    read_rhythm(place, use, out);
    read_thresholds(place, use, out);
    if (!read_action(place, context, out)) {
        return std::nullopt;
    }
    return out;
}

std::optional<Probe> read_http_get(const Place& place, const ProbeContext& context) {
    Probe out;
    out.kind = ProbeKind::Http;
    read_http(place, context, out);
    return out.ports.empty() ? std::nullopt : std::optional(std::move(out));
}

std::optional<Probe> read_tcp_socket(const Place& place, const ProbeContext& context) {
    Probe out;
    read_tcp(place, context, out);
    return out.ports.empty() ? std::nullopt : std::optional(std::move(out));
}

std::optional<Probe> read_health_check(const Place& place) {
    if (!place.check_fields(fields::kAppHealthCheck) || !place["type"].require()) {
        return std::nullopt;
    }
    const auto type = place["type"].one_of({"http", "tcp", "exec-cmd", "cmd"});
    if (!type) {
        return std::nullopt;
    }
    Probe out;
    out.period = read_span(place["interval"]).value_or(std::chrono::seconds(30));
    out.timeout = read_span(place["timeout"]).value_or(std::chrono::seconds(5));
    const auto retries = place["retries"].integer(1, kMaxThreshold);
    out.failure_threshold = static_cast<int>(retries.value_or(out.failure_threshold));
    if (!read_check(place, *type, out)) {
        return std::nullopt;
    }
    return out;
}

Probe open_ports(std::vector<std::uint16_t> ports) {
    Probe out;
    out.kind = ProbeKind::Tcp;
    out.ports = std::move(ports);
    out.period = kOpenPortsPeriod;
    return out;
}

}  // namespace podreeve::manifests
