#include "agent/supervise/requests.h"

#include "agent/supervise/decide/memory.h"

namespace podreeve::supervise {

std::string_view to_string(Verb verb) {
    switch (verb) {
        case Verb::Start:
            return "start";
        case Verb::Stop:
            return "stop";
        case Verb::Restart:
            return "restart";
    }
    return "start";
}

std::int64_t apply(const AppRequest& request, state::AppRecord& record) {
    AppMemory memory = memory_from(record.extra);
    ++memory.request;
    memory.autostart_off = memory.unseen = false;
    memory.alone = request.verb == Verb::Stop && request.alone;
    memory.restart = request.verb == Verb::Restart ? memory.request : 0;
    record.stopped = request.verb == Verb::Stop;
    if (request.verb != Verb::Stop) {
        // A person asks: what backs off is tried at once.
        for (auto& [part, restart] : memory.restarts) {
            restart.short_runs = 0;
            restart.until = {};
        }
    }
    record.extra = to_extra(memory);
    return memory.request;
}

}  // namespace podreeve::supervise
