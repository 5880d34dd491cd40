// Any bytes as JSON for the reader without a tree: it takes what the big parser takes, and reads
// the same out of it.

#include <algorithm>

#include <nlohmann/json.hpp>

#include "runtime/podman/json_reader.h"
#include "tests/fuzz/promise.h"

namespace podreeve::podman {
namespace {

using fuzz::promise;
using Json = nlohmann::json;

// More brackets than the reader goes deep; or a byte order mark, which the big parser passes over,
// or a NUL, which it takes for the end.
bool is_beyond(std::string_view text) {
    const auto open = [](char c) { return c == '[' || c == '{'; };
    return text.starts_with("\xEF\xBB\xBF") || text.find('\0') != text.npos ||
           std::count_if(text.begin(), text.end(), open) >= 64;
}

// A number that is valid and that no double can hold: only the big parser refuses it.
bool may_be_huge(std::string_view text) {
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    return text.find_first_of("eE") != text.npos ||
           std::count_if(text.begin(), text.end(), digit) > 300;
}

std::string text_or_empty(const Json& value) {
    return value.is_string() ? value.get<std::string>() : std::string();
}

void check_texts(std::string_view text, const Json& parsed) {
    JsonReader reader(text);
    const auto texts = reader.texts();
    promise(reader.finished(), "a list is read to its end");
    std::vector<std::string> expected;
    if (parsed.is_array()) {
        std::transform(parsed.begin(), parsed.end(), std::back_inserter(expected), text_or_empty);
    }
    promise(texts == expected, "the texts are those of the big parser");
}

void check_text_map(std::string_view text, const Json& parsed) {
    JsonReader reader(text);
    const auto map = reader.text_map();
    promise(reader.finished(), "a map is read to its end");
    std::map<std::string, std::string> expected;
    if (parsed.is_object()) {
        for (const auto& [name, value] : parsed.items()) {
            expected.emplace(name, text_or_empty(value));
        }
    }
    promise(map == expected, "the map is that of the big parser");
}

void check_number(std::string_view text, const Json& parsed) {
    JsonReader reader(text);
    const std::int64_t number = reader.number();
    promise(reader.finished(), "a number is read to its end");
    const bool fits =
        parsed.is_number_integer() &&
        (!parsed.is_number_unsigned() || parsed.get<std::uint64_t>() <= std::uint64_t{INT64_MAX});
    promise(number == (fits ? parsed.get<std::int64_t>() : 0), "the number is the same");
    JsonReader flags(text);
    promise(flags.flag() == (parsed.is_boolean() && parsed.get<bool>()), "so is the flag");
    promise(flags.finished(), "a flag is read to its end");
}

void check_text(std::string_view text) {
    const Json parsed = Json::parse(text, nullptr, false);
    JsonReader reader(text);
    reader.skip();
    const bool taken = reader.finished();
    if (is_beyond(text)) {
        return;
    }
    promise(taken || parsed.is_discarded(), "what is JSON is read");
    promise(!taken || !parsed.is_discarded() || may_be_huge(text), "what is no JSON is refused");
    if (!parsed.is_discarded()) {
        check_texts(text, parsed);
        check_text_map(text, parsed);
        check_number(text, parsed);
    }
}

}  // namespace
}  // namespace podreeve::podman

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    podreeve::podman::check_text(podreeve::fuzz::text_of(data, size));
    return 0;
}
