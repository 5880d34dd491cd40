#include <cstdio>
#include <exception>

#include "agent/cli/commands.h"

int main(int argc, char** argv) {
    try {
        return podreeve::cli::run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "podreeve: internal error: %s\n", error.what());
        return 1;
    }
}
