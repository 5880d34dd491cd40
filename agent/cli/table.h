#pragma once

#include <string>
#include <vector>

#include "agent/cli/output.h"

namespace podreeve::cli {

struct Cell {
    std::string text;
    Colour colour = Colour::None;
};

// Columns as wide as their widest cell, two spaces between, no padding at the end of a line. Widths
// count code points, so that a name in any script lines up.
class Table {
  public:
    explicit Table(std::vector<std::string> header);
    void add(std::vector<Cell> row);
    std::string text() const;

  private:
    std::vector<std::vector<Cell>> rows_;
};

}  // namespace podreeve::cli
