#include "quadlet/unit_file.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "quadlet/syntax.h"
#include "quadlet/unit_file_reader.h"
#include "runtime/base/utf8.h"

namespace podreeve::quadlet {
namespace {

Status check_line(std::string_view section, std::string_view key, std::string_view value) {
    if (!is_section_name(section) || find_invalid_utf8(section)) {
        return fail(Code::InvalidArgument, "cannot write a unit file: not a section name");
    }
    if (!is_key_name(key) || find_invalid_utf8(key)) {
        return fail(Code::InvalidArgument,
                    fmt::format("cannot write a unit file: not a key in [{}]", section));
    }
    const bool control =
        std::any_of(value.begin(), value.end(), [](char c) { return c != '\t' && is_control(c); });
    if (control || find_invalid_utf8(value) || strip_blanks(value) != value ||
        has_wide_blank_at_an_end(value) || value.ends_with('\\') ||
        key.size() + value.size() + 1 > UnitFile::kMaxLine) {
        return fail(Code::InvalidArgument,
                    fmt::format("cannot write a unit file: the value of {} in [{}] would not be "
                                "read back as it is; quote its words",
                                key, section));
    }
    return {};
}

}  // namespace

UnitFile::Parsed UnitFile::parse(std::string_view text) {
    return UnitFileReader(text).read();
}

std::string UnitFile::render() const {
    std::string text;
    for (const Item& item : items_) {
        text += item.raw;
    }
    return text;
}

std::vector<Entry> UnitFile::entries() const {
    std::vector<Entry> found;
    for (const Item& item : items_) {
        if (item.kind == Kind::Assignment) {
            found.push_back(item.entry);
        }
    }
    return found;
}

std::vector<std::string> UnitFile::sections() const {
    std::vector<std::string> names;
    for (const Item& item : items_) {
        const std::string& name = item.entry.section;
        if (item.kind == Kind::Header &&
            std::find(names.begin(), names.end(), name) == names.end()) {
            names.push_back(name);
        }
    }
    return names;
}

bool UnitFile::has_section(std::string_view section) const {
    return std::any_of(items_.begin(), items_.end(), [&](const Item& item) {
        return item.kind == Kind::Header && item.entry.section == section;
    });
}

bool UnitFile::holds(const Item& item, std::string_view section, std::string_view key) const {
    return item.kind == Kind::Assignment && item.entry.section == section && item.entry.key == key;
}

std::vector<Entry> UnitFile::all(std::string_view section, std::string_view key) const {
    std::vector<Entry> found;
    for (const Item& item : items_) {
        if (holds(item, section, key)) {
            found.push_back(item.entry);
        }
    }
    return found;
}

std::vector<std::string> UnitFile::list(std::string_view section, std::string_view key) const {
    std::vector<std::string> values;
    for (const Item& item : items_) {
        if (!holds(item, section, key)) {
            continue;
        }
        if (item.entry.value.empty()) {
            values.clear();
        } else {
            values.push_back(item.entry.value);
        }
    }
    return values;
}

std::string UnitFile::last(std::string_view section, std::string_view key) const {
    const auto item = std::find_if(items_.rbegin(), items_.rend(),
                                   [&](const Item& each) { return holds(each, section, key); });
    return item == items_.rend() ? std::string() : item->entry.value;
}

// Ends the item's last line, so that what is put behind it stays a line of its own.
void UnitFile::close(Item& item) {
    const Entry& entry = item.entry;
    if (item.open && item.kind == Kind::Assignment) {
        item.raw = fmt::format("{}={}\n", entry.key, entry.value);
    } else if (item.open) {
        item.raw = item.kind == Kind::Header ? fmt::format("[{}]\n", entry.section) : "\n";
    } else if (!item.raw.ends_with('\n')) {
        item.raw += '\n';
    }
    item.open = false;
}

// Positions are those of the text that was read; an entry that was added has none.
void UnitFile::insert(std::size_t at, Item item) {
    if (at > 0) {
        close(items_[at - 1]);
    }
    items_.insert(items_.begin() + static_cast<std::ptrdiff_t>(at), std::move(item));
}

Status UnitFile::add(std::string_view section, std::string_view key, std::string_view value) {
    RETURN_IF_ERROR(check_line(section, key, value));
    const Entry entry{std::string(section), std::string(key), std::string(value), {}, {}};
    const auto ours = std::find_if(items_.rbegin(), items_.rend(), [&](const Item& item) {
        return item.kind != Kind::Text && item.entry.section == section;
    });
    auto at = static_cast<std::size_t>(items_.rend() - ours);
    if (ours == items_.rend()) {
        const char* gap = items_.empty() ? "" : "\n";
        insert(items_.size(), {Kind::Header,
                               fmt::format("{}[{}]\n", gap, section),
                               {std::string(section), "", "", {}, {}}});
        at = items_.size();
    }
    insert(at, {Kind::Assignment, fmt::format("{}={}\n", key, value), entry});
    return {};
}

Status UnitFile::set(std::string_view section, std::string_view key, std::string_view value) {
    const auto first = std::find_if(items_.begin(), items_.end(),
                                    [&](const Item& item) { return holds(item, section, key); });
    if (first == items_.end()) {
        return add(section, key, value);
    }
    RETURN_IF_ERROR(check_line(section, key, value));
    // Not touched when it says so already: its comments and line breaks stay as they are.
    if (first->entry.value != value) {
        first->entry = {std::string(section), std::string(key), std::string(value), {}, {}};
        first->raw = fmt::format("{}={}\n", key, value);
    }
    items_.erase(std::remove_if(std::next(first), items_.end(),
                                [&](const Item& item) { return holds(item, section, key); }),
                 items_.end());
    return {};
}

void UnitFile::remove(std::string_view section, std::string_view key) {
    std::erase_if(items_, [&](const Item& item) { return holds(item, section, key); });
}

}  // namespace podreeve::quadlet
