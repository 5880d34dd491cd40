#include "agent/cli/progress.h"

#include <algorithm>
#include <map>
#include <poll.h>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "agent/cli/output.h"
#include "runtime/http/client.h"

namespace podreeve::cli {
namespace {

using nlohmann::json;

constexpr int kAskEveryMilliseconds = 200;

void show_progress(const json& app, std::string& last) {
    const std::string message = app.value("message", "");
    std::string now = app.value("state", "") + (message.empty() ? "" : ": " + message);
    if (now != last) {
        print_complaint(fmt::format("{}: {}", app.value("name", ""), now));
        last = std::move(now);
    }
}

// In podman's words for containers and systemd's for units: it runs, or is on its way up or down.
constexpr const char* kNotDown[] = {"running",    "paused",       "stopping",  "active",
                                    "activating", "deactivating", "reloading", "refreshing"};

bool any_part_runs(const json& app) {
    const json parts = app.value("parts", json::array());
    return std::any_of(parts.begin(), parts.end(), [](const json& part) {
        return std::ranges::count(kNotDown, part.value("state", "")) != 0;
    });
}

Error gave_up(const std::vector<std::string>& left, Duration longest) {
    return {Code::Timeout,
            fmt::format("cannot know how it ends: {} not there after {}; it goes on, and `podreeve "
                        "why {}` shows what it waits for",
                        fmt::join(left, ", "), to_short_text(longest), left.front())};
}

}  // namespace

WaitEnd wait_end(Duration longest) {
    return {SystemClock().steady_now() + longest, longest};
}

WaitProgress progress_up(const json& app, std::int64_t since) {
    const std::string state = app.value("state", "");
    if (app.value("request", std::int64_t{0}) < since || app.value("change", 0) != 0 ||
        !app.value("down_because", "").empty()) {
        return WaitProgress::NotYet;
    }
    if ((state == "Running" && app.value("healthy", false)) ||
        (state == "Finished" && !app.value("stopped", false))) {
        return WaitProgress::Done;
    }
    return state == "Failed" ? WaitProgress::Failed : WaitProgress::NotYet;
}

WaitProgress progress_down(const json& app, std::int64_t since) {
    const std::string state = app.value("state", "");
    const bool converged = app.value("change", 0) == 0 && !any_part_runs(app) &&
                           state != "Unknown" && state != "Stopping";
    return app.value("request", std::int64_t{0}) >= since && converged ? WaitProgress::Done
                                                                       : WaitProgress::NotYet;
}

Status follow_progress(const AgentClient& agent,
                       const std::vector<std::string>& apps,
                       const std::function<WaitProgress(const json& app)>& evaluate,
                       const WaitEnd& end,
                       bool quiet) {
    std::map<std::string, std::string> shown;
    std::vector<std::string> left = apps;
    const SystemClock clock;
    while (true) {
        std::vector<std::string> rest;
        for (const std::string& name : left) {
            ASSIGN_OR_RETURN(const json app, agent.get("/v1/apps/" + http::encode(name)));
            if (!quiet) {
                show_progress(app, shown[name]);
            }
            const WaitProgress progress = evaluate(app);
            if (progress == WaitProgress::Failed) {
                return fail(Code::Internal,
                            fmt::format("{} has failed: {}", name, app.value("message", "")));
            }
            if (progress == WaitProgress::NotYet) {
                rest.push_back(name);
            }
        }
        left = std::move(rest);
        if (left.empty()) {
            return {};
        }
        if (clock.steady_now() >= end.at) {
            return gave_up(left, end.after);
        }
        ::poll(nullptr, 0, kAskEveryMilliseconds);
    }
}

}  // namespace podreeve::cli
