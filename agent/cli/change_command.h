#pragma once

#include <cstdint>

#include "agent/cli/commands.h"

namespace podreeve::cli {

struct ChangeVerb {
    const char* name;
    const char* about;
};

// A command that is about one change: podreeve NAME ID.
void add_change_command(CLI::App& root,
                        Common& common,
                        CommandAction& action,
                        const ChangeVerb& verb,
                        int (*run)(const Common&, std::int64_t id));

}  // namespace podreeve::cli
