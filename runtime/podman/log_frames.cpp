#include "runtime/podman/log_frames.h"

#include <algorithm>
#include <utility>

namespace podreeve::podman {
namespace {

constexpr std::size_t kHeaderSize = 8;

std::size_t length_in(std::string_view header) {
    std::size_t length = 0;
    for (std::size_t i = 4; i < kHeaderSize; ++i) {
        length = length << 8U | static_cast<unsigned char>(header[i]);
    }
    return length;
}

}  // namespace

bool LineSplitter::feed(std::string_view piece) {
    while (!piece.empty()) {
        const auto end = piece.find('\n');
        rest_.append(piece.substr(0, end));
        if (end == std::string_view::npos && rest_.size() < kMaxLine) {
            return true;
        }
        const std::string line = std::exchange(rest_, {});
        if (!on_line_(line)) {
            return false;
        }
        piece.remove_prefix(end == std::string_view::npos ? piece.size() : end + 1);
    }
    return true;
}

bool LineSplitter::finish() {
    const std::string line = std::exchange(rest_, {});
    return line.empty() || on_line_(line);
}

LogFrames::LogFrames(OnLine on_line)
    : lines_{LineSplitter([on_line](std::string_view line) { return on_line(1, line); }),
             LineSplitter([on_line](std::string_view line) { return on_line(2, line); })} {}

bool LogFrames::take_text(std::string_view& piece) {
    const std::string_view text = piece.substr(0, left_);
    piece.remove_prefix(text.size());
    left_ -= text.size();
    return lines_[stream_].feed(text);
}

bool LogFrames::feed(std::string_view piece) {
    while (!piece.empty()) {
        if (left_ > 0) {
            if (!take_text(piece)) {
                return false;
            }
            continue;
        }
        const std::size_t wanted = std::min(kHeaderSize - header_.size(), piece.size());
        header_.append(piece.substr(0, wanted));
        piece.remove_prefix(wanted);
        if (header_.size() == kHeaderSize) {
            stream_ = header_[0] == 2 ? 1 : 0;
            left_ = length_in(header_);
            header_.clear();
        }
    }
    return true;
}

bool LogFrames::finish() {
    return lines_[0].finish() && lines_[1].finish();
}

}  // namespace podreeve::podman
