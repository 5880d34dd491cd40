#include "runtime/podman/list_cutter.h"

#include <algorithm>

namespace podreeve::podman {
namespace {

constexpr std::size_t kRow = 2;  // the depth of a row's members

// podreeve's own labels, and that of a unit's container.
bool is_own_label(std::string_view key) {
    return key.starts_with("\"io.podreeve.") || key == "\"PODMAN_SYSTEMD_UNIT\"";
}

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

}  // namespace

void ListCutter::feed(std::string_view piece) {
    fed_ += piece.size();
    while (!piece.empty() && !broken_) {
        const char c = piece.front();
        if (in_text_) {
            piece.remove_prefix(take_plain(piece));
            if (!piece.empty()) {
                inside_text(piece.front());
            }
        } else if (!is_blank(c)) {
            outside_text(c);
        } else {
            in_word_ = false;
        }
        piece.remove_prefix(piece.empty() ? 0 : 1);
    }
    if (broken_) {
        text_.clear();
    }
}

// What stands for itself up to the next quote or backslash, at once; how much that was.
std::size_t ListCutter::take_plain(std::string_view piece) {
    const std::size_t size = escaped_ ? 0 : std::min(piece.find_first_of("\"\\"), piece.size());
    const std::size_t room = kMostText + 2 - std::min(token_.size(), kMostText + 2);
    token_ += piece.substr(0, std::min(size, room));
    return size;
}

void ListCutter::put(std::string_view kept) {
    if (dropping()) {
        return;
    }
    text_ += kept;
    of_member_ += is_growing_ ? kept.size() : 0;
}

// One character more than is kept tells that it is too long.
void ListCutter::inside_text(char c) {
    if (token_.size() < kMostText + 2) {
        token_ += c;
    }
    if (!escaped_ && c == '"') {
        end_text();
    }
    escaped_ = !escaped_ && c == '\\';
}

void ListCutter::outside_text(char c) {
    const bool goes_on = in_word_;
    in_word_ = false;
    switch (c) {
        case '"':
            return begin_text();
        case '{':
        case '[':
            return open(c);
        case '}':
        case ']':
            return close(c);
        case ',':
            return end_item();
        case ':':
            broken_ = broken_ || !level().is_object || !level().wants_key;
            level().wants_key = false;
            level().wants_value = true;
            return put(":");
        default:
            break;
    }
    // A number, or a word: several characters of one value.
    in_word_ = true;
    if (!goes_on) {
        begin_value();
    }
    put({&c, 1});
}

void ListCutter::open(char bracket) {
    begin_value();
    put({&bracket, 1});
    broken_ = broken_ || depth_ == kMostDepth;
    depth_ += broken_ ? 0 : 1;
    level() = {};
    level().is_object = level().wants_key = bracket == '{';
}

void ListCutter::close(char bracket) {
    dropped_at_ = dropped_at_ == depth_ ? 0 : dropped_at_;
    broken_ = broken_ || depth_ == 0 || level().comma_seen || level().wants_value ||
              level().is_object != (bracket == '}');
    put({&bracket, 1});
    depth_ -= depth_ > 0 ? 1 : 0;
}

void ListCutter::end_item() {
    dropped_at_ = dropped_at_ == depth_ ? 0 : dropped_at_;
    broken_ = broken_ || !level().any_seen || level().comma_seen || level().wants_value;
    level().comma_seen = true;
    level().wants_key = level().is_object;
}

void ListCutter::begin_text() {
    in_text_ = true;
    escaped_ = false;
    token_ = "\"";
    if (!level().wants_key) {
        begin_value();
    }
}

void ListCutter::end_text() {
    in_text_ = false;
    const bool too_long = token_.size() > kMostText + 1;
    const std::string_view kept = too_long ? std::string_view("\"\"") : std::string_view(token_);
    if (level().wants_key) {
        begin_item(kept);
        if (depth_ == kRow) {
            is_growing_ = kept == "\"Labels\"" || kept == "\"Command\"";
            of_member_ = 0;
        }
    }
    put(kept);
}

bool ListCutter::is_full(std::string_view key) const {
    const std::size_t most = is_own_label(key) ? 2 * kMostOfMember : kMostOfMember;
    return is_growing_ && depth_ == kRow + 1 && of_member_ >= most;
}

// A member of an object, by its key, or an item of an array. Its comma comes with it, since the one
// before may have been passed over.
void ListCutter::begin_item(std::string_view key) {
    broken_ = broken_ || level().any_seen != level().comma_seen;
    level().any_seen = true;
    level().comma_seen = false;
    if (dropping()) {
        return;
    }
    if (is_full(key)) {
        dropped_at_ = depth_;
        return;
    }
    put(level().any_kept ? "," : "");
    level().any_kept = true;
}

void ListCutter::begin_value() {
    if (!level().is_object) {
        return begin_item("");
    }
    broken_ = broken_ || !level().wants_value;
    level().wants_value = false;
}

}  // namespace podreeve::podman
