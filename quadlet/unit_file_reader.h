#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "quadlet/unit_file.h"

namespace podreeve::quadlet {

// Reads one text into a UnitFile, line by line; used once, by UnitFile::parse().
class UnitFileReader {
  public:
    explicit UnitFileReader(std::string_view text) : rest_(text) {}

    UnitFile::Parsed read();

  private:
    // A logical line: its physical lines joined as Quadlet joins them.
    struct Logical {
        std::string_view raw;
        std::string joined;
        int first_line = 0;
        bool sound = true;  // nothing wrong with its bytes
        bool open = false;  // the text ended inside it
    };

    std::string_view take_line();
    std::string_view without_end(std::string_view line);
    bool check_bytes(std::string_view line);
    bool check_continuation(std::string_view line, bool first);
    bool append(Logical& logical, std::string_view line);
    Logical take_logical();
    void read_logical(const Logical& line);
    void read_header(const Logical& line, std::size_t start, std::size_t end);
    void read_assignment(const Logical& line, std::size_t start);
    void keep(UnitFile::Kind kind, const Logical& line, Entry entry);
    bool error(Position position, std::string message);

    std::string_view rest_;
    int line_ = 0;  // the number of the line taken last
    std::string section_;
    bool in_section_ = false;
    bool reported_windows_ = false;
    std::size_t items_ = 0;  // headers and assignments
    UnitFile::Parsed parsed_;
};

}  // namespace podreeve::quadlet
