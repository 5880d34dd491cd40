#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace podreeve::podman {

// Takes one of podman's lists as it arrives, and keeps of it what can be wanted: for one that is
// too large to be kept as a whole. An image may bring labels and a command line of any size, and
// one of such a container makes the list of all others as large. Of each row at most 64 KiB of
// labels and as much of the command are kept, and as much again of the labels that are podreeve's
// own or systemd's; a text of more than 16 KiB is read as an empty one. Rows, members of pods and
// all else stay as they are.
class ListCutter {
  public:
    void feed(std::string_view piece);

    // What was kept so far; whole once all is fed. Nothing, of what is no JSON.
    const std::string& text() const { return text_; }

    std::size_t fed() const { return fed_; }

    static constexpr std::size_t kMostText = std::size_t{16} << 10U;
    static constexpr std::size_t kMostOfMember = std::size_t{64} << 10U;

  private:
    static constexpr std::size_t kMostDepth = 64;

    struct Level {
        bool is_object = false;
        bool wants_key = false, wants_value = false;  // of an object
        bool any_seen = false, comma_seen = false;    // items, also such as are passed over
        bool any_kept = false;
    };

    std::size_t take_plain(std::string_view piece);
    void inside_text(char c);
    void outside_text(char c);
    void open(char bracket);
    void close(char bracket);
    void begin_text();
    void end_text();
    void begin_item(std::string_view key);
    void begin_value();
    void end_item();
    bool is_full(std::string_view key) const;
    void put(std::string_view kept);

    Level& level() { return levels_[depth_]; }

    bool dropping() const { return dropped_at_ != 0; }

    std::string text_;
    std::size_t fed_ = 0;
    std::array<Level, kMostDepth + 1> levels_{};
    std::size_t depth_ = 0;
    std::size_t dropped_at_ = 0;  // the depth of the item that is passed over; 0: none is
    std::string token_;           // the text at hand, with its quotes
    bool in_text_ = false, escaped_ = false, in_word_ = false;
    bool is_growing_ = false;  // in a member of a row that may be of any size
    std::size_t of_member_ = 0;
    bool broken_ = false;
};

}  // namespace podreeve::podman
