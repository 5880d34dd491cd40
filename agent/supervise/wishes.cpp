#include "agent/supervise/wishes.h"

#include "agent/supervise/memory.h"

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

void apply(const Wish& wish, state::AppRecord& record) {
    Memory memory = memory_from(record.extra);
    ++memory.wish;
    memory.autostart_off = false;
    memory.alone = wish.verb == Verb::Stop && wish.alone;
    memory.restart = wish.verb == Verb::Restart ? memory.wish : 0;
    record.stopped = wish.verb == Verb::Stop;
    if (wish.verb != Verb::Stop) {
        // A person asks: what backs off is tried at once.
        for (auto& [part, restart] : memory.restarts) {
            restart.short_runs = 0;
            restart.until = {};
        }
    }
    record.extra = to_extra(memory);
}

}  // namespace podreeve::supervise
