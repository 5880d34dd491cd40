#include "quadlet/unit_file_reader.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "quadlet/syntax.h"
#include "runtime/base/utf8.h"

namespace podreeve::quadlet {
namespace {

int column_of(std::size_t offset) {
    return static_cast<int>(offset) + 1;
}

}  // namespace

UnitFile::Parsed UnitFileReader::read() {
    if (rest_.starts_with(kByteOrderMark)) {
        error({1, 1}, "the file starts with a byte order mark; save it as plain UTF-8");
        rest_.remove_prefix(kByteOrderMark.size());
    }
    while (!rest_.empty() && parsed_.errors.size() < UnitFile::kMaxErrors) {
        read_logical(take_logical());
    }
    return std::move(parsed_);
}

std::string_view UnitFileReader::take_line() {
    const std::size_t end = rest_.find('\n');
    const std::size_t size = end == std::string_view::npos ? rest_.size() : end + 1;
    const std::string_view line = rest_.substr(0, size);
    rest_.remove_prefix(size);
    ++line_;
    return line;
}

// The line without its end. A file from Windows is told once that it is one, not on every line.
std::string_view UnitFileReader::without_end(std::string_view line) {
    if (!line.ends_with('\n')) {
        return line;
    }
    line.remove_suffix(1);
    if (line.ends_with('\r')) {
        line.remove_suffix(1);
        if (!std::exchange(reported_windows_, true)) {
            error({line_, column_of(line.size())},
                  "a Windows line end; save the file with Unix ones");
        }
    }
    return line;
}

// Reports the first thing wrong with the line's bytes.
bool UnitFileReader::check_bytes(std::string_view line) {
    if (line.size() > UnitFile::kMaxLine) {
        return error({line_, 1},
                     fmt::format("the line is longer than {} bytes", UnitFile::kMaxLine));
    }
    if (const std::size_t at = line.find('\0'); at != std::string_view::npos) {
        return error({line_, column_of(at)}, "a NUL byte; the file is not text");
    }
    if (const std::size_t at = line.find('\r'); at != std::string_view::npos) {
        return error({line_, column_of(at)}, "a carriage return inside a line");
    }
    const auto* const control =
        std::find_if(line.begin(), line.end(), [](char c) { return c != '\t' && is_control(c); });
    if (control != line.end()) {
        return error({line_, column_of(static_cast<std::size_t>(control - line.begin()))},
                     "a control character; write it as an escape like \\x1b");
    }
    if (const auto at = find_invalid_utf8(line)) {
        return error({line_, column_of(*at)}, "not UTF-8");
    }
    if (has_wide_blank_at_an_end(strip_blanks(line))) {
        return error({line_, 1}, "a blank that is not ASCII at an end of the line");
    }
    return true;
}

// Reports where systemd and Quadlet would not agree on whether the line goes on.
bool UnitFileReader::check_continuation(std::string_view line, bool first) {
    const std::size_t column = line.find_last_not_of(kBlanks);
    if (column == std::string_view::npos) {
        return first ||
               error({line_, 1},
                     "an empty line behind a backslash: end the value above, or delete it");
    }
    const auto at = find_continuation(line);
    if (at && *at + 1 < line.size()) {
        return error({line_, column_of(*at)},
                     "a blank behind the backslash at the end of the line");
    }
    if (at && ends_in_two_backslashes(line)) {
        return error({line_, column_of(*at)},
                     "two backslashes at the end of a line: Quadlet would join the next line");
    }
    return true;
}

// Takes line on without its backslash; true when another line belongs to it.
bool UnitFileReader::append(Logical& logical, std::string_view line) {
    const auto backslash = find_continuation(line);
    const std::string_view text = line.substr(0, backslash.value_or(line.size()));
    if (logical.joined.size() + text.size() > UnitFile::kMaxLine) {
        logical.sound = logical.sound && error({line_, 1}, "the lines joined are too long");
        return backslash.has_value();
    }
    const std::size_t start = logical.joined.empty() ? 0 : text.find_first_not_of(kBlanks);
    logical.joined += start == std::string_view::npos ? "" : text.substr(start);
    return backslash.has_value();
}

// Joins lines the way Quadlet does: the backslash goes, and so do the blanks that the next line
// starts with; comment lines in between are skipped without ending the joining. A backslash on the
// last line joins with nothing.
UnitFileReader::Logical UnitFileReader::take_logical() {
    Logical logical;
    const char* const begin = rest_.data();
    logical.first_line = line_ + 1;
    bool more = true;
    for (bool first = true; more && !rest_.empty(); first = false) {
        const std::string_view raw = take_line();
        const std::string_view line = without_end(raw);
        logical.sound = check_bytes(line) && logical.sound;
        logical.raw = std::string_view(begin, static_cast<std::size_t>(raw.end() - begin));
        if (is_comment(line)) {
            if (first) {
                logical.joined = line;
                more = false;
            }
            continue;
        }
        logical.sound = check_continuation(line, first) && logical.sound;
        more = append(logical, line);
    }
    logical.open = more;
    if (logical.sound && strip_blanks(logical.joined).ends_with('\\') &&
        !is_comment(logical.joined)) {
        logical.sound = error({line_, 1}, "a backslash at the end of a value; write it as \\x5c");
    }
    return logical;
}

void UnitFileReader::read_logical(const Logical& line) {
    if (!line.sound) {
        return;
    }
    const std::size_t start = line.joined.find_first_not_of(kBlanks);
    if (start == std::string::npos || is_comment(line.joined)) {
        keep(UnitFile::Kind::Text, line, {});
        return;
    }
    if (line.joined[start] == '[') {
        read_header(line, start, line.joined.find_last_not_of(kBlanks));
        return;
    }
    read_assignment(line, start);
}

void UnitFileReader::read_header(const Logical& line, std::size_t start, std::size_t end) {
    const std::string_view name =
        std::string_view(line.joined).substr(start + 1, end - start - (end > start ? 1 : 0));
    // What follows a broken header belongs to no known section; it is not blamed for that.
    in_section_ = true;
    section_.clear();
    if (line.joined[end] != ']' || !is_section_name(name)) {
        error({line.first_line, column_of(start)},
              "this is not a section header; write it as [Name]");
        return;
    }
    section_ = name;
    keep(UnitFile::Kind::Header, line, {section_, "", "", {line.first_line, column_of(start)}, {}});
}

void UnitFileReader::read_assignment(const Logical& line, std::size_t start) {
    const std::string_view text = line.joined;
    const Position at{line.first_line, column_of(start)};
    const std::size_t equals = text.find('=', start);
    if (equals == std::string_view::npos) {
        error(at,
              "this is not a section, an assignment or a comment; a line that goes on ends "
              "with a backslash");
        return;
    }
    const std::string_view key = strip_blanks(text.substr(start, equals - start));
    if (!is_key_name(key)) {
        error(at, "what is before the '=' is not a key");
        return;
    }
    if (!in_section_) {
        error(at, "an assignment is before the first section");
        return;
    }
    // A value that starts on a continuation line is placed behind its '=', where it is set.
    std::size_t value_at = text.find_first_not_of(kBlanks, equals + 1);
    const std::size_t first_line_end = line.raw.find('\n');
    if (value_at == std::string_view::npos || value_at >= std::min(first_line_end, text.size())) {
        value_at = equals + 1;
    }
    keep(UnitFile::Kind::Assignment, line,
         {section_,
          std::string(key),
          std::string(strip_blanks(text.substr(equals + 1))),
          at,
          {line.first_line, column_of(value_at)}});
}

void UnitFileReader::keep(UnitFile::Kind kind, const Logical& line, Entry entry) {
    if (kind != UnitFile::Kind::Text && ++items_ > UnitFile::kMaxItems) {
        error({line.first_line, 1},
              fmt::format("more than {} headers and assignments", UnitFile::kMaxItems));
        rest_ = {};
        return;
    }
    parsed_.file.items_.push_back({kind, std::string(line.raw), std::move(entry), line.open});
}

// false, for the caller to pass on.
bool UnitFileReader::error(Position position, std::string message) {
    parsed_.errors.push_back({position, std::move(message)});
    return false;
}

}  // namespace podreeve::quadlet
