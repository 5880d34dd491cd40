#include "agent/cli/table.h"

#include <algorithm>

namespace podreeve::cli {
namespace {

std::size_t width_of(const std::string& text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

Table::Table(std::vector<std::string> header) {
    std::vector<Cell> row;
    for (std::string& name : header) {
        row.push_back({std::move(name), Colour::Bold});
    }
    rows_.push_back(std::move(row));
}

void Table::add(std::vector<Cell> row) {
    for (Cell& cell : row) {
        cell.text = escaped(cell.text, Lines::Escape);  // before it is measured
    }
    rows_.push_back(std::move(row));
}

std::string Table::text() const {
    std::vector<std::size_t> widths;
    for (const auto& row : rows_) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], width_of(row[i].text));
        }
    }
    std::string out;
    for (const auto& row : rows_) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            out += paint(row[i].text, row[i].colour);
            if (i + 1 < row.size()) {
                out.append(widths[i] - width_of(row[i].text) + 2, ' ');
            }
        }
        out += '\n';
    }
    return out;
}

}  // namespace podreeve::cli
