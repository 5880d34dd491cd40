#include "runtime/podman/log_frames.h"

#include <gtest/gtest.h>

#include "tests/unit/podman/recorded.h"

namespace podreeve::podman {
namespace {

using Lines = std::vector<std::pair<int, std::string>>;

std::string frame(int stream, const std::string& text) {
    std::string out{static_cast<char>(stream), 0, 0, 0, 0, 0};
    out += static_cast<char>(text.size() >> 8U);
    out += static_cast<char>(text.size() & 0xFFU);
    return out + text;
}

// Feeds bytes in pieces of that size.
Lines read_in_pieces(const std::string& bytes, std::size_t size) {
    Lines out;
    LogFrames frames([&](int stream, std::string_view line) {
        out.emplace_back(stream, line);
        return true;
    });
    for (std::size_t at = 0; at < bytes.size(); at += size) {
        EXPECT_TRUE(frames.feed(std::string_view(bytes).substr(at, size)));
    }
    EXPECT_TRUE(frames.finish());
    return out;
}

TEST(LogFrames, GiveTheSameLinesHoweverTheBytesArrive) {
    const std::string bytes = frame(1, "one\n") + frame(2, "oops\n") + frame(1, "half") +
                              frame(2, "between\n") + frame(1, " and half\n\n") + frame(1, "last");
    const Lines expected{{1, "one"},           {2, "oops"}, {2, "between"},
                         {1, "half and half"}, {1, ""},     {1, "last"}};
    for (const std::size_t size : {1U, 2U, 3U, 7U, 8U, 9U, 1000U}) {
        EXPECT_EQ(read_in_pieces(bytes, size), expected) << size;
    }
}

TEST(LogFrames, ReadWhatPodmanSends) {
    for (const char* version : kVersions) {
        EXPECT_EQ(read_in_pieces(recorded(version, "logs.bin"), 5), (Lines{{1, "out"}, {2, "err"}}))
            << version;
    }
}

TEST(LogFrames, EndWhenTheReaderHasEnough) {
    int lines = 0;
    LogFrames frames([&](int, std::string_view) { return ++lines < 2; });
    EXPECT_FALSE(frames.feed(frame(1, "a\nb\nc\n")));
    EXPECT_EQ(lines, 2);
}

TEST(LineSplitter, CutsALineThatHasNoEnd) {
    std::size_t longest = 0;
    LineSplitter splitter([&](std::string_view line) {
        longest = std::max(longest, line.size());
        return true;
    });
    const std::string piece(300'000, 'x');
    for (int i = 0; i < 40; ++i) {
        ASSERT_TRUE(splitter.feed(piece));
    }
    EXPECT_GE(longest, kMaxLine);
    EXPECT_LT(longest, kMaxLine + piece.size());
}

}  // namespace
}  // namespace podreeve::podman
