#include "agent/reconcile/podman_unit.h"

#include <algorithm>

#include <fmt/format.h>

#include "runtime/base/log.h"
#include "runtime/base/room.h"

namespace podreeve::reconcile {
namespace {

constexpr const char* kPodmanSocket = "podman.socket";
constexpr const char* kPodmanService = "podman.service";
constexpr std::chrono::seconds kAskSystemd{2};
constexpr std::chrono::seconds kStartSocket{5};
constexpr std::chrono::seconds kFirstStartPause{1};
constexpr std::chrono::minutes kLongestStartPause{5};
constexpr std::chrono::minutes kWordsLast{10};  // longer than all pauses between its starts

// "podman.service has failed (exit-code 125)"; empty: there is nothing to say of it.
std::string how_it_is(const char* name, const Result<systemd::UnitState>& unit) {
    if (!unit || unit->load_state == "not-found") {
        return {};
    }
    if (unit->is_masked()) {
        return fmt::format(
            "{0} is masked: `systemctl unmask {0}` and start it (with --user, of a "
            "user's podman)",
            name);
    }
    if (unit->active_state != "failed") {
        return unit->is_down() ? fmt::format("{} is {}", name, unit->active_state) : std::string();
    }
    const bool has_status = unit->result == "exit-code" || unit->result == "signal";
    return unit->result.empty() ? fmt::format("{} has failed", name)
           : has_status
               ? fmt::format("{} has failed ({} {})", name, unit->result, unit->exit_status)
               : fmt::format("{} has failed ({})", name, unit->result);
}

bool is_gone(const std::filesystem::path& path) {
    std::error_code error;
    return std::filesystem::status(path, error).type() == std::filesystem::file_type::not_found;
}

}  // namespace

std::string PodmanUnit::look(std::stop_token stop) {
    const auto socket = systemd_.state(kPodmanSocket, {kAskSystemd, stop});
    if (socket && socket->is_masked()) {
        return how_it_is(kPodmanSocket, socket);
    }
    if (!socket || socket->load_state != "loaded") {
        return {};
    }
    const auto service = systemd_.state(kPodmanService, {kAskSystemd, stop});
    // One that is merely down waits for its socket.
    const std::string of_service =
        service && service->active_state == "failed"
            ? how_it_is(kPodmanService, service) + with_words_of(kPodmanService)
            : "";
    const bool listens_nowhere = socket->active_state == "active" && is_gone(socket_.path);
    if (!socket->is_down() && !listens_nowhere) {
        return of_service;
    }
    const std::string said =
        (listens_nowhere ? how_to_listen() : how_it_is(kPodmanSocket, socket)) +
        (of_service.empty() ? "" : ", " + of_service);
    if (clock_.steady_now() >= next_start_ || pause_ == Duration{}) {
        bring_up_socket(listens_nowhere, stop);
    }
    const Duration left = std::max(next_start_ - clock_.steady_now(), Duration{});
    return said + (!trouble_.empty()
                       ? fmt::format("; {}; next try in {}", trouble_, to_short_text(left))
                   : listens_nowhere ? "; it is restarted"
                                     : "; it is started again");
}

// ", and said: …". A time in it would make each look's news of the same.
std::string PodmanUnit::with_words_of(const char* unit) const {
    constexpr std::string_view kTime = "time=\"";
    std::string words =
        socket_.last_words ? socket_.last_words(unit, clock_.system_now() - kWordsLast) : "";
    if (const std::size_t end = words.find("\" "); words.starts_with(kTime) && end != words.npos) {
        words.erase(0, end + 2);
    }
    return words.empty() ? "" : ", and said: " + words;
}

std::string PodmanUnit::how_to_listen() const {
    return fmt::format(
        "{0} is active, but its socket was removed: `{1} restart {0}` makes it again",
        kPodmanSocket, systemd::systemctl(socket_.scope));
}

void PodmanUnit::forget_failure(const char* unit, const std::stop_token& stop) {
    const Status forgotten = systemd_.reset_failed(unit, {kAskSystemd, stop});
    static_cast<void>(forgotten);  // one that is not loaded has nothing to forget
}

// A service that was started too often keeps its socket from coming up for good.
void PodmanUnit::bring_up_socket(bool listens_nowhere, const std::stop_token& stop) {
    pause_ = pause_ == Duration{} ? Duration(kFirstStartPause)
                                  : std::min<Duration>(pause_ * 2, kLongestStartPause);
    next_start_ = clock_.steady_now() + shortened(pause_, std::to_string(pause_.count()));
    if (listens_nowhere) {
        socket_.end_events();
    }
    forget_failure(kPodmanService, stop);
    const auto& bring_up = listens_nowhere ? systemd_.restart : systemd_.start;
    const auto started = bring_up(kPodmanSocket, {kStartSocket, stop});
    if (started && started->start_limit) {
        forget_failure(kPodmanSocket, stop);
    }
    std::string trouble = !started               ? started.error().message
                          : started->succeeded() ? std::string()
                                                 : started->why;
    if (trouble != trouble_ || trouble.empty()) {
        log::warn("podman cannot be reached and {} {}: {}", kPodmanSocket,
                  listens_nowhere ? "listens nowhere" : "was down",
                  !trouble.empty()  ? trouble
                  : listens_nowhere ? "restarted it"
                                    : "started it");
    }
    trouble_ = std::move(trouble);
}

}  // namespace podreeve::reconcile
