#pragma once

#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

namespace podreeve::podman {

// A reply that a real podman of that version gave.
inline std::string recorded(const std::string& version, const std::string& file) {
    const std::string path =
        std::string(PODREEVE_SOURCE_DIR) + "/tests/fixtures/podman/" + version + "/" + file;
    std::ifstream in(path, std::ios::binary);
    EXPECT_TRUE(in.good()) << path;
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline constexpr const char* kVersions[] = {"4.3.1", "5.4.2", "5.8.6"};

}  // namespace podreeve::podman
