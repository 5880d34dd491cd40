#pragma once

#include <nlohmann/json_fwd.hpp>

#include "agent/supervise/requests.h"

namespace podreeve::api {

// {"request", "order": [["web"], ["db"]], "at_most_secs", "asked_for_secs"}
nlohmann::json report_json(const supervise::RequestReport& report);

}  // namespace podreeve::api
