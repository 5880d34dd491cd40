#include "manifests/conditions.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "manifests/names.h"
#include "manifests/ports.h"
#include "manifests/words.h"
#include "runtime/base/clock.h"

namespace podreeve::manifests {
namespace {

constexpr StartConditionKind kLeaves[] = {StartConditionKind::Service, StartConditionKind::Path,
                                          StartConditionKind::Port,    StartConditionKind::Network,
                                          StartConditionKind::Time,    StartConditionKind::Image,
                                          StartConditionKind::Unit};
constexpr std::size_t kDeepest = 8;
constexpr std::size_t kMostConditions = 64;  // each may take a thread that looks at it

bool is_port(std::string_view text) {
    unsigned port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc() && end == text.data() + text.size() && port > 0 && port <= 65535;
}

// An address and a port: names would have to be asked for. "5432" is this host's; "[::1]:5432" an
// IPv6 address.
std::optional<std::string> port_of(const std::string& text) {
    if (is_port(text)) {
        return "127.0.0.1:" + text;
    }
    if (text.rfind("localhost:", 0) == 0) {
        return port_of("127.0.0.1" + text.substr(text.find(':')));
    }
    const std::size_t colon = text.rfind(':');
    if (colon == std::string::npos || !is_port(text.substr(colon + 1))) {
        return std::nullopt;
    }
    std::string host = text.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
    }
    return is_ip_address(host) ? std::optional<std::string>(text) : std::nullopt;
}

struct SubjectRule {
    const char* wrong;
    const char* allowed;
};

// Checks and settles what a leaf is about; what is wrong with it otherwise.
std::optional<SubjectRule> read_subject(const Place& place, StartCondition& leaf) {
    switch (leaf.kind) {
        case StartConditionKind::Service:
            return check_dependency_name(place, leaf.subject)
                       ? std::nullopt
                       : std::optional<SubjectRule>(SubjectRule{"", ""});
        case StartConditionKind::Path:
            leaf.subject = place.as_absolute_path(leaf.subject).value_or("");
            return leaf.subject.empty() ? std::optional<SubjectRule>(SubjectRule{"", ""})
                                        : std::nullopt;
        case StartConditionKind::Port:
            if (const auto port = port_of(leaf.subject)) {
                leaf.subject = *port;
                return std::nullopt;
            }
            return SubjectRule{"'{}' is not a port", "5432, 127.0.0.1:5432, [::1]:5432"};
        case StartConditionKind::Network:
            return leaf.subject == "online" ? std::nullopt
                                            : std::optional<SubjectRule>(SubjectRule{
                                                  "'{}' is nothing to wait for", "online"});
        case StartConditionKind::Time:
            return parse_rfc3339(leaf.subject) ? std::nullopt
                                               : std::optional<SubjectRule>(SubjectRule{
                                                     "'{}' is not a time", "2026-11-22T06:00:00Z"});
        case StartConditionKind::Image:
            return is_image_reference(leaf.subject) ? std::nullopt
                                                    : std::optional<SubjectRule>(SubjectRule{
                                                          "'{}' is not an image reference",
                                                          "[host[:port]/]name[:tag][@digest]"});
        case StartConditionKind::Unit:
            return leaf.subject.find('.') != std::string::npos &&
                           leaf.subject.find('/') == std::string::npos
                       ? std::nullopt
                       : std::optional<SubjectRule>(
                             SubjectRule{"'{}' is not the name of a unit", "x.service"});
        case StartConditionKind::All:
        case StartConditionKind::Any:
            break;
    }
    return std::nullopt;
}

bool take_leaf(const Place& place, StartCondition leaf, std::vector<StartCondition>& out) {
    leaf.position = place.position();
    const std::string written = leaf.subject;
    if (const auto rule = read_subject(place, leaf)) {
        if (*rule->wrong != '\0') {
            place.fail(fmt::format(fmt::runtime(rule->wrong), written), rule->allowed);
        }
        return false;
    }
    out.push_back(std::move(leaf));
    return true;
}

void read_condition(const Place& place, std::vector<StartCondition>& out, std::size_t depth);

void read_group(const Place& place,
                StartConditionKind kind,
                std::vector<StartCondition>& out,
                std::size_t depth) {
    StartCondition group;
    group.kind = kind;
    group.position = place.position();
    if (depth >= kDeepest) {
        place.fail("conditions are nested too deep");
        return;
    }
    for (const Place& item : place.items()) {
        read_condition(item, group.of, depth + 1);
    }
    if (group.of.empty() && place.is_list() && place.node()->items.empty()) {
        place.fail("must hold a condition");
    }
    out.push_back(std::move(group));
}

void read_condition(const Place& place, std::vector<StartCondition>& out, std::size_t depth) {
    if (!place.require() || !place.check_fields(fields::kAppCondition)) {
        return;
    }
    std::size_t found = 0;
    for (const StartConditionKind kind : kLeaves) {
        const Place value = place[to_string(kind)];
        if (!value.present()) {
            continue;
        }
        ++found;
        const auto text = value.required_text(Reading::Verbatim);
        const auto is = place["is"].one_of(kDependencyWords);
        if (text) {
            take_leaf(value, {kind, *text, dependency_kind_of(is.value_or("started"))}, out);
        }
    }
    for (const StartConditionKind kind : {StartConditionKind::All, StartConditionKind::Any}) {
        const Place list = place[to_string(kind)];
        if (list.present()) {
            ++found;
            read_group(list, kind, out, depth);
        }
    }
    // A misspelt one has been told already.
    const std::size_t written = place.entries().size() - (place["is"].present() ? 1 : 0);
    if (found > 1 || written == 0) {
        place.fail("must name one thing to wait for", fields::kAppCondition.allowed_text());
    } else if (place["is"].present() && !place["app"].present()) {
        place["is"].fail_at_key("belongs to app");
    }
}

std::string_view trimmed(std::string_view text) {
    const std::size_t start = text.find_first_not_of(" \t\n");
    return start == std::string_view::npos
               ? std::string_view{}
               : text.substr(start, text.find_last_not_of(" \t\n") - start + 1);
}

void read_word(const Place& place, std::string_view word, std::vector<StartCondition>& out) {
    const std::size_t equals = word.find('=');
    const std::string_view name = trimmed(word.substr(0, equals));
    const auto kind =
        std::find_if(std::begin(kLeaves), std::end(kLeaves), [&](StartConditionKind leaf) {
            return leaf != StartConditionKind::Service && to_string(leaf) == name;
        });
    if (kind == std::end(kLeaves) || equals == std::string_view::npos) {
        place.fail(fmt::format("'{}' is nothing to wait for", word),
                   "path=, port=, network=online, time=, image=, unit=");
        return;
    }
    take_leaf(place, {*kind, std::string(trimmed(word.substr(equals + 1)))}, out);
}

void each_of(std::string_view text, char mark, const auto& take) {
    while (!trimmed(text).empty()) {
        const std::size_t at = text.find(mark);
        take(trimmed(text.substr(0, at)));
        text = at == std::string_view::npos ? std::string_view{} : text.substr(at + 1);
    }
}

std::size_t leaves_in(const std::vector<StartCondition>& conditions) {
    std::size_t found = 0;
    for (const StartCondition& condition : conditions) {
        found += condition.of.empty() ? 1 : leaves_in(condition.of);
    }
    return found;
}

void check_number(const Place& place, const std::vector<StartCondition>& conditions) {
    if (const std::size_t found = leaves_in(conditions); found > kMostConditions) {
        place.fail(
            fmt::format("holds {} conditions, and an app may have {}", found, kMostConditions));
    }
}

}  // namespace

std::vector<StartCondition> read_conditions(const Place& list) {
    std::vector<StartCondition> out;
    for (const Place& item : list.items()) {
        read_condition(item, out, 0);
    }
    check_number(list, out);
    return out;
}

std::vector<StartCondition> read_condition_line(const Place& place) {
    std::vector<StartCondition> out;
    const auto text = place.text(Reading::Verbatim);
    each_of(text ? std::string_view(*text) : std::string_view(), ',', [&](std::string_view item) {
        StartCondition any;
        any.kind = StartConditionKind::Any;
        any.position = place.position();
        each_of(item, '|', [&](std::string_view word) { read_word(place, word, any.of); });
        if (any.of.size() == 1) {
            out.push_back(std::move(any.of.front()));
        } else if (!any.of.empty()) {
            out.push_back(std::move(any));
        }
    });
    check_number(place, out);
    return out;
}

}  // namespace podreeve::manifests
