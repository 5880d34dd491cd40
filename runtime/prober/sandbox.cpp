#include "runtime/prober/sandbox.h"

#include <unistd.h>

#include "runtime/prober/landlock.h"
#include "runtime/prober/privileges.h"
#include "runtime/prober/system_calls.h"

namespace podreeve::prober {

std::vector<std::string> shut_in() {
    std::vector<std::string> missing;
    const auto take = [&](const Status& done) {
        if (!done) {
            missing.push_back(done.error().message);
        }
    };
    take(give_up_gaining_rights());
    take(shut_off_files());
    if (::geteuid() == 0) {
        take(keep_capability_to_enter());
    }
    take(allow_few_system_calls());
    return missing;
}

}  // namespace podreeve::prober
