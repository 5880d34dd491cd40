#include "runtime/prober/http_dialogue.h"

#include <algorithm>
#include <charconv>
#include <strings.h>

#include <fmt/format.h>

namespace podreeve::prober {
namespace {

constexpr std::size_t kMaxHead = 64 * 1024;  // with those before it
constexpr int kMostInformational = 5;
constexpr std::size_t kEnoughBody = 10 * 1024;
constexpr std::string_view kLastChunk = "0\r\n\r\n";

bool same_name(std::string_view a, std::string_view b) {
    return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    const auto last = text.find_last_not_of(" \t");
    return first == text.npos ? std::string_view() : text.substr(first, last - first + 1);
}

// "HTTP/1.1 200 OK"; 0 when it is no such line.
int status_of(std::string_view line) {
    int status = 0;
    if (!line.starts_with("HTTP/") || line.find(' ') == line.npos) {
        return 0;
    }
    line = trimmed(line.substr(line.find(' ')));
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), status);
    const bool three = error == std::errc() && end - line.data() == 3;
    return three && status >= 100 ? status : 0;
}

std::string_view next_line(std::string_view& text) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == text.npos ? std::string_view() : text.substr(end + 1);
    if (!line.empty() && line.back() == '\r') {
        line.remove_suffix(1);
    }
    return line;
}

std::string_view header(std::string_view head, std::string_view name) {
    while (!head.empty()) {
        const std::string_view line = next_line(head);
        const std::size_t colon = line.find(':');
        if (colon != line.npos && same_name(line.substr(0, colon), name)) {
            return trimmed(line.substr(colon + 1));
        }
    }
    return {};
}

std::optional<std::size_t> content_length(std::string_view head) {
    const std::string_view value = header(head, "content-length");
    std::size_t length = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), length);
    return error == std::errc() ? std::optional(length) : std::nullopt;
}

// Where the blank line ends, or npos.
std::size_t end_of_head(std::string_view text) {
    const std::size_t crlf = text.find("\r\n\r\n");
    const std::size_t lf = text.find("\n\n");
    return std::min(crlf == text.npos ? text.npos : crlf + 4, lf == text.npos ? text.npos : lf + 2);
}

std::string authority(const probe::ProbeSpec& probe, std::uint16_t port) {
    const std::string host = probe.host.empty() ? "localhost" : probe.host;
    const bool bare_v6 = host.find(':') != host.npos;
    const std::string name = bare_v6 ? "[" + host + "]" : host;
    return port == (probe.tls ? 443 : 80) ? name : fmt::format("{}:{}", name, port);
}

}  // namespace

HttpDialogue::HttpDialogue(const probe::ProbeSpec& probe, std::uint16_t port)
    : probe_(probe), port_(port) {}

std::string HttpDialogue::opening() {
    std::string out = fmt::format("GET {} HTTP/1.1\r\n", probe_.path);
    const auto given = [&](std::string_view name) {
        return std::any_of(probe_.headers.begin(), probe_.headers.end(),
                           [&](const auto& header) { return same_name(header.first, name); });
    };
    const std::pair<std::string_view, std::string> ours[] = {{"Host", authority(probe_, port_)},
                                                             {"User-Agent", "podreeve-probe/1"},
                                                             {"Accept", "*/*"},
                                                             {"Connection", "close"}};
    for (const auto& [name, value] : ours) {
        if (!given(name)) {
            out += fmt::format("{}: {}\r\n", name, value);
        }
    }
    for (const auto& [name, value] : probe_.headers) {
        out += fmt::format("{}: {}\r\n", name, value);
    }
    return out + "\r\n";
}

// True once the head of the final answer is there, or it is seen that there will be none; what
// follows it is the body.
bool HttpDialogue::read_head() {
    while (true) {
        const std::size_t end = end_of_head(heard_);
        if (end == heard_.npos) {
            return false;
        }
        std::string_view head = std::string_view(heard_).substr(0, end);
        const int status = status_of(next_line(head));
        if (status < 100 || status >= 200) {
            status_ = status;
            length_ = status == 204 || status == 304 ? std::optional<std::size_t>(0)
                                                     : content_length(head);
            chunked_ = same_name(header(head, "transfer-encoding"), "chunked");
            const std::string body = heard_.substr(end);
            heard_.clear();
            take_body(body);
            return true;
        }
        heard_.erase(0, end);  // 100 Continue and its like: the answer follows
        if (++informational_ > kMostInformational) {
            return true;
        }
    }
}

void HttpDialogue::take_body(std::string_view bytes) {
    body_ += bytes.size();
    // Chunks are not taken apart: their end is the last of what comes.
    tail_ += bytes.substr(bytes.size() - std::min(bytes.size(), kLastChunk.size()));
    tail_.erase(0, tail_.size() - std::min(tail_.size(), kLastChunk.size()));
}

bool HttpDialogue::over() const {
    if (status_ == 0 || body_ >= kEnoughBody) {
        return true;
    }
    return chunked_ ? tail_ == kLastChunk : length_ && body_ >= *length_;
}

std::optional<DialogueResult> HttpDialogue::hear(std::string_view bytes, std::string&) {
    if (status_ != 0) {
        take_body(bytes);
    } else {
        heard_ += bytes;
        heads_ += bytes.size();
        const bool http = std::string_view(heard_).substr(0, 5) ==
                          std::string_view("HTTP/").substr(0, heard_.size());
        if (!http || heads_ > kMaxHead) {
            return result();
        }
        if (!read_head()) {
            return std::nullopt;
        }
    }
    return over() ? std::optional(result()) : std::nullopt;
}

DialogueResult HttpDialogue::closed() {
    if (status_ == 0 && heard_.empty()) {
        return {probe::Outcome::Failure, fmt::format("port {}: closed without an answer", port_)};
    }
    return result();
}

std::string HttpDialogue::pending() const {
    return status_ == 0 ? fmt::format("port {}: no answer", port_)
                        : fmt::format("port {}: the answer does not end", port_);
}

DialogueResult HttpDialogue::result() const {
    if (status_ == 0) {
        const char* why = heads_ > kMaxHead || informational_ > kMostInformational
                              ? "the answer has no end of headers"
                              : "the answer is not HTTP";
        return {probe::Outcome::Failure, fmt::format("port {}: {}", port_, why)};
    }
    if (status_ >= 200 && status_ < 400) {
        return {probe::Outcome::Success, ""};
    }
    // The query may hold a key.
    const std::string path = probe_.path.substr(0, probe_.path.find('?'));
    return {probe::Outcome::Failure, fmt::format("port {}: {} answered {}", port_, path, status_)};
}

}  // namespace podreeve::prober
