#include "agent/state/row_text.h"

#include <nlohmann/json.hpp>

#include "runtime/base/json_text.h"

namespace podreeve::state {
namespace {

bool is_log_line(const nlohmann::json& line) {
    return line.is_array() && line.size() == 3 && line[0].is_number_integer() &&
           line[1].is_boolean() && line[2].is_string();
}

}  // namespace

std::string numbers_to_text(const std::vector<std::int64_t>& numbers) {
    std::string text = "[";
    for (const std::int64_t number : numbers) {
        text += (text.size() > 1 ? "," : "") + std::to_string(number);
    }
    return text + "]";
}

Result<std::vector<std::int64_t>> numbers_from_text(const std::string& text) {
    const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_array()) {
        return fail(Code::Corrupt, "a list of numbers is not one");
    }
    std::vector<std::int64_t> numbers;
    for (const nlohmann::json& item : json) {
        if (!item.is_number_integer()) {
            return fail(Code::Corrupt, "a list of numbers holds something else");
        }
        numbers.push_back(item.get<std::int64_t>());
    }
    return numbers;
}

std::string log_to_text(const std::vector<LogLine>& log) {
    if (log.empty()) {
        return "[]";
    }
    nlohmann::json json = nlohmann::json::array();
    for (const LogLine& line : log) {
        json.push_back({time_to_number(line.time), line.is_error, line.text});
    }
    return json_text(json);
}

Result<std::vector<LogLine>> log_from_text(const std::string& text) {
    if (text == "[]") {
        return std::vector<LogLine>{};
    }
    const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_array()) {
        return fail(Code::Corrupt, "the log of a task is not a list");
    }
    std::vector<LogLine> log;
    for (const nlohmann::json& line : json) {
        if (!is_log_line(line)) {
            return fail(Code::Corrupt, "the log of a task holds something else");
        }
        log.push_back({time_from_number(line[0].get<std::int64_t>()), line[1].get<bool>(),
                       line[2].get<std::string>()});
    }
    return log;
}

std::int64_t time_to_number(WallTime time) {
    return time.time_since_epoch().count();
}

WallTime time_from_number(std::int64_t number) {
    return WallTime(Duration(number));
}

bool is_json_object(const std::string& text) {
    return nlohmann::json::parse(text, nullptr, false).is_object();
}

}  // namespace podreeve::state
