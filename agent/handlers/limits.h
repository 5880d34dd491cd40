#pragma once

namespace podreeve::handlers {

// How many tasks of a sort may run at once, so that slow pulls cannot starve repairs. One app takes
// no more than half of them while another waits.
struct Limits {
    unsigned pulls = 3;
    unsigned stops = 8;  // stopping, parking and removing
    unsigned creates = 4;
    unsigned starts = 4;
    unsigned units = 4;  // starting, stopping and restarting of companions
};

}  // namespace podreeve::handlers
