#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "tests/fakes/fake_podman/render.h"
#include "tests/fakes/fake_podman/routes.h"

namespace podreeve::fakes {
namespace {

// "1700000000" or "1700000000.000000001". Podman takes it for a floating point number, and so is
// off by up to a quarter of a microsecond. "1500ms": so long before now.
std::int64_t nanos_of(const std::string& text, WallTime now) {
    if (text.ends_with("ms")) {
        return now.time_since_epoch().count() -
               std::llround(std::strtod(text.c_str(), nullptr) * 1e6);
    }
    return std::llround(std::strtod(text.c_str(), nullptr) * 1e9);
}

bool fits(const EventRecord& event, const std::string& key, const std::string& value) {
    const auto attribute = [&](const char* name) {
        const auto it = event.attributes.find(name);
        return it == event.attributes.end() ? std::string() : it->second;
    };
    if (key == "type") {
        return event.type == value;
    }
    if (key == "event" || key == "status") {
        return event.action == value || (event.action == "died" && value == "die");
    }
    if (key == "container" || key == "pod" || key == "volume" || key == "image") {
        const bool its_pod = key == "pod" && attribute("podId").starts_with(value);
        return its_pod ||
               (event.type == key && (event.id.starts_with(value) || attribute("name") == value));
    }
    if (key == "label") {
        const auto equals = value.find('=');
        const auto it = event.attributes.find(value.substr(0, equals));
        return it != event.attributes.end() &&
               (equals == value.npos || it->second == value.substr(equals + 1));
    }
    return false;
}

bool chosen(const EventRecord& event, const json& filters) {
    for (const auto& [key, values] : filters.items()) {
        if (std::none_of(values.begin(), values.end(), [&, &name = key](const json& value) {
                return fits(event, name, value);
            })) {
            return false;
        }
    }
    return true;
}

}  // namespace

std::optional<Answer> route_events(Routed& routed) {
    const HttpRequest& request = routed.request;
    const bool follow = request.flag("stream", true);
    const std::string since = request.param("since");

    const json filters = filters_of(request);
    Engine& engine = routed.engine;
    const std::int64_t from = since.empty() ? 0 : nanos_of(since, engine.clock.system_now());
    std::size_t at = since.empty() && follow ? engine.events.size() : 0;
    routed.exchange.begin_stream(200, "application/json");
    do {
        std::string out;
        for (; at < engine.events.size(); ++at) {
            const EventRecord& event = engine.events[at];
            if (event.time_nano >= from && chosen(event, filters)) {
                out += render_event(event).dump() + "\n";
            }
        }
        if (!routed.write(out)) {
            break;
        }
    } while (follow && routed.wait());
    return std::nullopt;
}

}  // namespace podreeve::fakes
