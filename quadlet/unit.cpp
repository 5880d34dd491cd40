#include "quadlet/unit.h"

#include <algorithm>
#include <utility>

#include "quadlet/words.h"

namespace podreeve::quadlet {
namespace {

constexpr std::string_view kTrueWords[] = {"1", "yes", "true", "on"};

std::string_view last_part(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string in_lower_case(std::string_view text) {
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return lower;
}

void append(std::vector<std::string>& all, Result<std::vector<std::string>> words) {
    if (words) {
        std::move(words->begin(), words->end(), std::back_inserter(all));
    }
}

}  // namespace

Unit::Read Unit::read(const UnitText& file, const std::vector<UnitText>& drop_ins) {
    Read read;
    Unit unit;
    unit.file_name_ = last_part(file.path);
    auto name = parse_unit_name(unit.file_name_);
    if (!name) {
        read.problems.push_back({{file.path}, "", name.error().message, "", ""});
    } else {
        unit.name_ = std::move(*name);
    }
    std::vector<const UnitText*> texts = {&file};
    for (const UnitText& each : drop_ins) {
        texts.push_back(&each);
    }
    for (std::size_t i = 0; i < texts.size(); ++i) {
        UnitFile::Parsed parsed = UnitFile::parse(texts[i]->text);
        for (SyntaxError& error : parsed.errors) {
            read.problems.push_back({{texts[i]->path, error.position.line, error.position.column},
                                     "",
                                     std::move(error.message),
                                     "",
                                     ""});
        }
        unit.paths_.push_back(texts[i]->path);
        for (std::string& section : parsed.file.sections()) {
            unit.sections_.push_back(std::move(section));
        }
        for (Entry& entry : parsed.file.entries()) {
            unit.settings_.push_back({std::move(entry), i});
        }
    }
    if (read.problems.empty()) {
        read.unit = std::move(unit);
    } else if (name) {
        read.fragment = std::move(unit);
    }
    return read;
}

std::string Unit::folder() const {
    const std::size_t slash = path().rfind('/');
    return slash == std::string::npos ? "." : path().substr(0, std::max<std::size_t>(slash, 1));
}

bool Unit::has_section(std::string_view section) const {
    return std::find(sections_.begin(), sections_.end(), section) != sections_.end();
}

const Setting* Unit::find(std::string_view section, std::string_view key) const {
    const auto found = std::find_if(settings_.rbegin(), settings_.rend(), [&](const Setting& each) {
        return each.entry.section == section && each.entry.key == key;
    });
    return found == settings_.rend() ? nullptr : &*found;
}

std::optional<std::string> Unit::value(std::string_view section, std::string_view key) const {
    const Setting* setting = find(section, key);
    if (setting == nullptr) {
        return std::nullopt;
    }
    const std::string& text = setting->entry.value;
    const bool quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
    return quoted ? text.substr(1, text.size() - 2) : text;
}

std::optional<bool> Unit::flag(std::string_view section, std::string_view key) const {
    const auto text = value(section, key);
    if (!text) {
        return std::nullopt;
    }
    return std::find(std::begin(kTrueWords), std::end(kTrueWords), in_lower_case(*text)) !=
           std::end(kTrueWords);
}

std::vector<const Setting*> Unit::assignments(std::string_view section,
                                              std::string_view key) const {
    std::vector<const Setting*> found;
    for (const Setting& each : settings_) {
        if (each.entry.section != section || each.entry.key != key) {
            continue;
        }
        if (each.entry.value.empty()) {
            found.clear();
        } else {
            found.push_back(&each);
        }
    }
    return found;
}

std::vector<std::string> Unit::list(std::string_view section, std::string_view key) const {
    std::vector<std::string> values;
    for (const Setting* each : assignments(section, key)) {
        values.push_back(each->entry.value);
    }
    return values;
}

std::vector<std::string> Unit::words(std::string_view section, std::string_view key) const {
    std::vector<std::string> all;
    for (const std::string& value : list(section, key)) {
        append(all, split_quoted_words(value));
    }
    return all;
}

std::vector<std::string> Unit::arguments(std::string_view section, std::string_view key) const {
    std::vector<std::string> all;
    for (const std::string& value : list(section, key)) {
        append(all, split_words(value));
    }
    return all;
}

std::vector<std::string> Unit::last_arguments(std::string_view section,
                                              std::string_view key) const {
    std::vector<std::string> all;
    if (const Setting* setting = find(section, key)) {
        append(all, split_words(setting->entry.value));
    }
    return all;
}

std::map<std::string, std::optional<std::string>> Unit::pairs(std::string_view section,
                                                              std::string_view key) const {
    std::map<std::string, std::optional<std::string>> found;
    for (const std::string& argument : arguments(section, key)) {
        const std::size_t equals = argument.find('=');
        found[argument.substr(0, equals)] = equals == std::string::npos
                                                ? std::optional<std::string>()
                                                : argument.substr(equals + 1);
    }
    return found;
}

}  // namespace podreeve::quadlet
