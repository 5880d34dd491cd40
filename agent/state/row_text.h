#pragma once

#include <string>
#include <vector>

#include "agent/state/task.h"
#include "runtime/base/result.h"

// The columns that hold lists, as JSON text. Written forms are part of the schema: see migrations/.
namespace podreeve::state {

std::string numbers_to_text(const std::vector<std::int64_t>& numbers);
Result<std::vector<std::int64_t>> numbers_from_text(const std::string& text);

// Bytes that are not UTF-8 are replaced.
std::string log_to_text(const std::vector<LogLine>& log);
Result<std::vector<LogLine>> log_from_text(const std::string& text);

std::int64_t time_to_number(WallTime time);
WallTime time_from_number(std::int64_t number);

// Whether text is a JSON object.
bool is_json_object(const std::string& text);

}  // namespace podreeve::state
