#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace podreeve::podman {

// A line longer than this is handed on in pieces.
inline constexpr std::size_t kMaxLine = std::size_t{1} << 20U;

// Cuts a stream that arrives in pieces into lines, without their newline. on_line says false to
// end.
class LineSplitter {
  public:
    using OnLine = std::function<bool(std::string_view)>;

    explicit LineSplitter(OnLine on_line) : on_line_(std::move(on_line)) {}

    bool feed(std::string_view piece);
    bool finish();  // hands on a last line that has no newline

  private:
    OnLine on_line_;
    std::string rest_;
};

// Takes libpod's log stream apart: frames of [stream, 0, 0, 0, length as 4 bytes, big end first]
// and text, also for a terminal, where docker's API would send none. One frame may hold less than a
// line (podman cuts long ones), so lines are put together again per stream.
class LogFrames {
  public:
    using OnLine = std::function<bool(int, std::string_view)>;

    explicit LogFrames(OnLine on_line);

    bool feed(std::string_view piece);
    bool finish();

  private:
    bool take_text(std::string_view& piece);

    std::array<LineSplitter, 2> lines_;
    std::string header_;
    std::size_t left_ = 0;  // of the frame that is being read
    std::size_t stream_ = 0;
};

}  // namespace podreeve::podman
