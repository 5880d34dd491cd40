#include "tests/unit/cli/running.h"

#include <gtest/gtest.h>

#include "agent/cli/commands.h"

namespace podreeve::cli::testing {

int run_here(const std::vector<std::string>& arguments) {
    std::vector<std::string> words{"podreeve"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) {
        argv.push_back(word.data());
    }
    return run(static_cast<int>(argv.size()), argv.data());
}

Ran podreeve(const std::vector<std::string>& arguments) {
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    Ran ran;
    ran.code = run_here(arguments);
    ran.out = ::testing::internal::GetCapturedStdout();
    ran.err = ::testing::internal::GetCapturedStderr();
    return ran;
}

}  // namespace podreeve::cli::testing
