#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"

namespace podreeve::quadlet {

// Lines and columns count from 1, columns in bytes.
struct Position {
    int line = 0;
    int column = 0;
    friend bool operator==(const Position&, const Position&) = default;
};

// One thing wrong with a file: "not a section, an assignment or a comment".
struct SyntaxError {
    Position position;
    std::string message;
    friend bool operator==(const SyntaxError&, const SyntaxError&) = default;
};

// One assignment, as often as it stands in the file; an empty value, which resets a list, is an
// entry like any other. The value is what Quadlet's generator makes of it, also for the sections
// that it hands on to systemd: lines joined without the blanks that the next one starts with,
// blanks around it cut, words not yet split and quotes not yet taken off (words.h does that).
struct Entry {
    std::string section;
    std::string key;
    std::string value;
    Position key_at;
    Position value_at;
    friend bool operator==(const Entry&, const Entry&) = default;
};

// A unit file in the syntax of systemd.syntax(7), held so that what is not touched is written back
// byte by byte: comments, blank lines, continuations and the order of all. A value; no I/O. A
// section may be opened several times and counts as one.
//
// Where its two readers, systemd and Quadlet's generator, differ in where a line ends, or either of
// them would warn and skip, this one is the strictest: that is an error here.
class UnitFile {
  public:
    // What parse() finds: either no errors, or the file as far as it could be read.
    struct Parsed;

    // The longest line, and the longest value joined from several; systemd's own limit.
    static constexpr std::size_t kMaxLine = 1024 * 1024;
    // The most headers and assignments; what people write has a hundred.
    static constexpr std::size_t kMaxItems = 10'000;
    // After so many errors reading ends: the file is not a unit file.
    static constexpr std::size_t kMaxErrors = 100;

    static Parsed parse(std::string_view text);

    // The text again; parse(text).file.render() == text for a text without errors.
    std::string render() const;

    // In the order of the file.
    std::vector<Entry> entries() const;
    std::vector<std::string> sections() const;
    bool has_section(std::string_view section) const;

    // Every value of key, empty ones included.
    std::vector<Entry> all(std::string_view section, std::string_view key) const;
    // Key read as a list: an empty value takes back all before it.
    std::vector<std::string> list(std::string_view section, std::string_view key) const;
    // Key read as one value: the last one stands; an empty one stands for "not set", like none.
    std::string last(std::string_view section, std::string_view key) const;

    // Adds an entry behind the last one of the section, or a new section at the end. A name or a
    // value that would not be read back as it is (a line break, blanks at an end, a backslash at
    // the end) is InvalidArgument, so that no value can smuggle a second assignment in.
    Status add(std::string_view section, std::string_view key, std::string_view value);
    // Makes key stand once, with value, where its first entry stood.
    Status set(std::string_view section, std::string_view key, std::string_view value);
    void remove(std::string_view section, std::string_view key);

  private:
    friend class UnitFileReader;

    enum class Kind { Text, Header, Assignment };

    // A stretch of the file: blank lines and comments, a section's header, or an assignment over
    // all its lines.
    struct Item {
        Kind kind = Kind::Text;
        std::string raw;
        Entry entry;        // of a header, only its section
        bool open = false;  // the file ended where its backslash asked for another line
    };

    bool holds(const Item& item, std::string_view section, std::string_view key) const;
    void insert(std::size_t at, Item item);
    static void close(Item& item);

    std::vector<Item> items_;
};

struct UnitFile::Parsed {
    UnitFile file;
    std::vector<SyntaxError> errors;
};

}  // namespace podreeve::quadlet
