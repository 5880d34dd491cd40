#include "manifests/place.h"

#include <algorithm>
#include <charconv>
#include <regex>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "runtime/base/nearest.h"

namespace podreeve::manifests {
namespace {

bool is_boolean_text(std::string_view text) {
    static constexpr std::string_view kWords[] = {"true", "True", "TRUE", "false", "False", "FALSE",
                                                  "yes",  "Yes",  "YES",  "no",    "No",    "NO",
                                                  "on",   "On",   "ON",   "off",   "Off",   "OFF"};
    for (const std::string_view word : kWords) {
        if (text == word) {
            return true;
        }
    }
    return false;
}

bool is_number_text(const std::string& text) {
    static const std::regex kNumber(
        "[-+]?(0x[0-9a-fA-F]+|0o[0-7]+|([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([eE][-+]?[0-9]+)?|"
        "\\.(inf|Inf|INF))|\\.(nan|NaN|NAN)");
    const char first = text.empty() ? '\0' : text.front();
    const bool can_be =
        (first >= '0' && first <= '9') || first == '+' || first == '-' || first == '.';
    return can_be && text.size() < 64 && std::regex_match(text, kNumber);
}

std::string_view name_of(NodeKind kind) {
    switch (kind) {
        case NodeKind::Null:
            return "nothing";
        case NodeKind::Scalar:
            return "a single value";
        case NodeKind::List:
            return "a list";
        case NodeKind::Map:
            return "a map";
    }
    return "something else";
}

std::optional<std::int64_t> to_integer(std::string_view text, int base) {
    std::int64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, code] = std::from_chars(text.data(), end, value, base);
    if (code != std::errc() || stop != end || text.empty()) {
        return std::nullopt;
    }
    return value;
}

}  // namespace

Place::Place(const Node& node, std::string path, std::vector<Diagnostic>& diagnostics)
    : node_(&node), path_(std::move(path)), diagnostics_(&diagnostics) {}

Place::Place(const Node* node,
             const Node* parent,
             const MapEntry* entry,
             std::string path,
             std::vector<Diagnostic>* diagnostics)
    : node_(node),
      parent_(parent),
      entry_(entry),
      path_(std::move(path)),
      diagnostics_(diagnostics) {}

SourcePosition Place::position() const {
    if (node_ != nullptr) {
        return node_->position();
    }
    return entry_ != nullptr ? key_position() : parent_->position();
}

SourcePosition Place::key_position() const {
    if (entry_ == nullptr) {
        return position();
    }
    return {entry_->file ? *entry_->file : "", entry_->line, entry_->column};
}

std::string Place::child_path(std::string_view key) const {
    // A key that holds dots, like an annotation's, would read as several.
    if (key.find('.') != std::string_view::npos) {
        return fmt::format("{}['{}']", path_, key);
    }
    return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

Place Place::operator[](std::string_view key) const {
    const Node* here = node_ != nullptr ? node_ : parent_;
    if (node_ == nullptr || node_->kind != NodeKind::Map) {
        return {nullptr, here, nullptr, child_path(key), diagnostics_};
    }
    const MapEntry* entry = node_->find(key);
    if (entry == nullptr) {
        return {nullptr, here, nullptr, child_path(key), diagnostics_};
    }
    const Node* value = entry->value->kind == NodeKind::Null ? nullptr : entry->value.get();
    return {value, here, entry, child_path(key), diagnostics_};
}

void Place::fail(std::string message, std::string allowed, std::string nearest) const {
    diagnostics_->push_back({position(), path_, std::move(message), std::move(allowed),
                             std::move(nearest), Severity::Error});
}

void Place::fail_at_key(std::string message, std::string allowed, std::string nearest) const {
    diagnostics_->push_back({key_position(), path_, std::move(message), std::move(allowed),
                             std::move(nearest), Severity::Error});
}

void Place::report_unknown(const FieldTable& table, const MapEntry& entry) const {
    const Place field(entry.value.get(), node_, &entry, child_path(entry.key), diagnostics_);
    if (table.is_later(entry.key)) {
        field.fail_at_key("is not supported yet");
        return;
    }
    field.fail_at_key("unknown field", table.allowed_text(),
                      nearest_name(entry.key, table.known_names()));
}

bool Place::check_fields(const FieldTable& table) const {
    if (node_ == nullptr) {
        return false;
    }
    if (node_->kind != NodeKind::Map) {
        fail(fmt::format("must be a map, and is {}", name_of(node_->kind)), table.allowed_text());
        return false;
    }
    for (const MapEntry& entry : node_->entries) {
        if (!table.is_accepted(entry.key)) {
            report_unknown(table, entry);
        }
    }
    return true;
}

bool Place::require() const {
    if (node_ == nullptr) {
        fail(entry_ == nullptr ? "is missing" : "is missing its value");
    }
    return node_ != nullptr;
}

std::optional<std::string> Place::text(Reading reading) const {
    if (node_ == nullptr) {
        return std::nullopt;
    }
    if (node_->kind != NodeKind::Scalar) {
        fail(fmt::format("must be a string, and is {}", name_of(node_->kind)));
        return std::nullopt;
    }
    if (reading == Reading::Typed && node_->plain) {
        if (is_boolean_text(node_->text)) {
            fail("must be a string, and is a boolean; put it in quotes");
            return std::nullopt;
        }
        if (is_number_text(node_->text)) {
            fail("must be a string, and is a number; put it in quotes");
            return std::nullopt;
        }
    }
    return node_->text;
}

std::optional<std::string> Place::required_text(Reading reading) const {
    if (!require()) {
        return std::nullopt;
    }
    auto value = text(reading);
    if (value && value->empty()) {
        fail("must not be empty");
        return std::nullopt;
    }
    return value;
}

std::optional<bool> Place::boolean() const {
    if (node_ == nullptr) {
        return std::nullopt;
    }
    if (node_->kind == NodeKind::Scalar && node_->plain) {
        if (node_->text == "true" || node_->text == "True" || node_->text == "TRUE") {
            return true;
        }
        if (node_->text == "false" || node_->text == "False" || node_->text == "FALSE") {
            return false;
        }
    }
    fail("must be a boolean", "true, false");
    return std::nullopt;
}

std::optional<std::int64_t> Place::integer(std::int64_t min, std::int64_t max) const {
    if (node_ == nullptr) {
        return std::nullopt;
    }
    std::optional<std::int64_t> value;
    if (node_->kind == NodeKind::Scalar && node_->plain) {
        const std::string& text = node_->text;
        // YAML reads 010 as eight and people as ten: neither is taken.
        const bool leading_zero = text.size() > 1 && text[0] == '0';
        value = leading_zero ? std::nullopt : to_integer(text, 10);
    }
    if (!value || *value < min || *value > max) {
        fail("must be a whole number", fmt::format("{} to {}", min, max));
        return std::nullopt;
    }
    return value;
}

std::optional<std::uint32_t> Place::file_mode() const {
    if (node_ == nullptr) {
        return std::nullopt;
    }
    std::optional<std::int64_t> value;
    if (node_->kind == NodeKind::Scalar && node_->plain && !node_->text.empty()) {
        std::string_view text = node_->text;
        const bool octal = text.size() > 1 && text[0] == '0';
        text.remove_prefix(octal ? (text[1] == 'o' ? 2 : 1) : 0);
        value = to_integer(text, octal ? 8 : 10);
    }
    if (!value || *value < 0 || *value > 0777) {
        fail("must be file permissions", "0000 to 0777");
        return std::nullopt;
    }
    return static_cast<std::uint32_t>(*value);
}

std::optional<std::string> Place::one_of(const std::vector<std::string>& words) const {
    const auto value = text(Reading::Verbatim);
    if (!value) {
        return std::nullopt;
    }
    for (const std::string& word : words) {
        if (word == *value) {
            return value;
        }
    }
    fail(fmt::format("'{}' is not a value for this", *value),
         fmt::format("{}", fmt::join(words, ", ")), nearest_name(*value, words));
    return std::nullopt;
}

std::vector<Place> Place::items() const {
    std::vector<Place> out;
    if (node_ == nullptr) {
        return out;
    }
    if (node_->kind != NodeKind::List) {
        fail(fmt::format("must be a list, and is {}", name_of(node_->kind)));
        return out;
    }
    out.reserve(node_->items.size());
    for (std::size_t i = 0; i < node_->items.size(); ++i) {
        out.push_back(Place(node_->items[i].get(), node_, nullptr, fmt::format("{}[{}]", path_, i),
                            diagnostics_));
    }
    return out;
}

std::vector<std::pair<std::string, Place>> Place::entries() const {
    std::vector<std::pair<std::string, Place>> out;
    if (node_ == nullptr) {
        return out;
    }
    if (node_->kind != NodeKind::Map) {
        fail(fmt::format("must be a map, and is {}", name_of(node_->kind)));
        return out;
    }
    out.reserve(node_->entries.size());
    for (const MapEntry& entry : node_->entries) {
        const Node* value = entry.value->kind == NodeKind::Null ? nullptr : entry.value.get();
        out.emplace_back(entry.key,
                         Place(value, node_, &entry, child_path(entry.key), diagnostics_));
    }
    return out;
}

std::vector<std::string> Place::texts(Reading reading) const {
    std::vector<std::string> out;
    for (const Place& item : items()) {
        if (item.node_->kind == NodeKind::Null) {
            item.fail("must be a string, and is nothing");
        } else if (auto value = item.text(reading)) {
            out.push_back(std::move(*value));
        }
    }
    return out;
}

std::optional<std::string> Place::absolute_path() const {
    const auto value = required_text();
    return value ? as_absolute_path(*value) : std::nullopt;
}

std::optional<std::string> Place::as_absolute_path(const std::string& value) const {
    if (value.empty() || value.front() != '/') {
        fail(fmt::format("'{}' must be an absolute path", value));
        return std::nullopt;
    }
    std::string out;
    for (std::size_t at = 0; at < value.size();) {
        const std::size_t start = value.find_first_not_of('/', at);
        if (start == std::string::npos) {
            break;
        }
        const std::size_t end = std::min(value.find('/', start), value.size());
        const std::string part = value.substr(start, end - start);
        if (part == "..") {
            fail(fmt::format("'{}' must not hold '..'", value));
            return std::nullopt;
        }
        out += part == "." ? "" : "/" + part;
        at = end;
    }
    return out.empty() ? "/" : out;
}

}  // namespace podreeve::manifests
