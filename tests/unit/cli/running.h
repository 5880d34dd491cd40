#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace podreeve::cli::testing {

struct Ran {
    int code = 0;
    std::string out, err;

    nlohmann::json json() const { return nlohmann::json::parse(out, nullptr, false); }
};

// Runs podreeve in this process; its exit code.
int run_here(const std::vector<std::string>& arguments);
// The same, its output caught.
Ran podreeve(const std::vector<std::string>& arguments);

}  // namespace podreeve::cli::testing
