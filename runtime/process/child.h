#pragma once

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/base/result.h"

namespace podreeve::process {

// A program to run, without a shell. argv[0] is looked up in $PATH unless it holds a slash.
// Secrets do not belong into argv, which every process of the host may read.
struct Command {
    std::vector<std::string> argv;
    // "KEY=value", on top of what this process has.
    std::vector<std::string> environment;
    // Where it starts; empty: here.
    std::filesystem::path directory;
    // How long it may run before it is killed.
    Duration deadline = std::chrono::seconds(30);
    // How much of each stream is kept; the rest is read and dropped, so that it never blocks.
    std::size_t max_output = 1024 * 1024;
    // One that writes more than that to both together is killed (Unavailable): reading on would
    // keep a core busy until the deadline.
    std::size_t most_written = 64 * 1024 * 1024;
};

// How a program ended by itself.
struct Ended {
    int exit_code = 0;       // 128 + signal when a signal ended it, as a shell tells it
    int signal = 0;          // 0 when it exited
    std::string output;      // its stdout
    std::string complaints;  // its stderr
    bool cut = false;        // whether either was longer than max_output

    bool succeeded() const { return exit_code == 0; }
};

// Runs a program to its end and waits for it; for worker threads, from any of them. It reads
// nothing on stdin, has all signals at their defaults, and leads a process group of its own, of
// which nothing is left when this returns: the group is killed on the deadline (Timeout), on stop
// (Cancelled), and also when the program has ended and its children have not. A program that cannot
// be started is an error; one that fails is not. Messages name argv[0] alone.
Result<Ended> run_child(const Command& command, std::stop_token stop = {});

}  // namespace podreeve::process
