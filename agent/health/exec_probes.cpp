#include "agent/health/exec_probes.h"

#include <map>

#include <fmt/format.h>

#include "runtime/base/contained.h"
#include "runtime/base/utf8.h"
#include "runtime/base/worker_pool.h"
#include "runtime/podman/command.h"

namespace podreeve::health {
namespace {

constexpr unsigned kAtOnce = 3;

// The program's own words on why, as far as one line goes.
class FirstLine {
  public:
    void take(std::string_view line) {
        constexpr std::size_t kMost = 120;
        if (text_.empty()) {
            text_ = clean_text(line, kMost);
        }
    }

    std::string behind(const std::string& what) const {
        return text_.empty() ? what : fmt::format("{}: {}", what, text_);
    }

  private:
    std::string text_;
};

}  // namespace

probe::Answer run_exec_probe(podman::Client& podman,
                             const ExecQuestion& question,
                             std::stop_token stop) {
    FirstLine said;
    const Result<int> code =
        podman::run_command(podman, {question.container,
                                     question.command,
                                     [&](int, std::string_view line) { said.take(line); },
                                     {question.timeout, stop}});
    if (code) {
        return *code == 0 ? probe::Answer{0, probe::Outcome::Success, ""}
                          : probe::Answer{0, probe::Outcome::Failure,
                                          said.behind(fmt::format("exit code {}", *code))};
    }
    if (code.error().code != Code::Timeout) {
        return {0, probe::Outcome::Unknown, code.error().message};
    }
    return {0, probe::Outcome::Failure,
            said.behind(fmt::format("has not ended within {}", to_short_text(question.timeout)))};
}

struct ExecProbes::Core : std::enable_shared_from_this<ExecProbes::Core> {
    Core(podman::Client& client, Scheduler& loop, OnAnswers callback)
        : podman(client), scheduler(loop), on_answers(std::move(callback)) {}

    podman::Client& podman;
    Scheduler& scheduler;
    OnAnswers on_answers;
    std::map<std::uint32_t, ExecQuestion> questions;
    std::uint32_t last_number = 0;
    std::stop_source stop;
    WorkerPool workers{kAtOnce};

    void take(const probe::Answer& answer) {
        if (questions.contains(answer.question)) {
            on_answers({answer});
        }
    }
};

ExecProbes::ExecProbes(podman::Client& podman, Scheduler& scheduler, OnAnswers on_answers)
    : core_(std::make_shared<Core>(podman, scheduler, std::move(on_answers))) {}

ExecProbes::~ExecProbes() {
    core_->stop.request_stop();
}

std::uint32_t ExecProbes::add(ExecQuestion question) {
    core_->questions.emplace(++core_->last_number, std::move(question));
    return core_->last_number;
}

void ExecProbes::remove(std::uint32_t question) {
    core_->questions.erase(question);
}

void ExecProbes::ask(const std::vector<std::uint32_t>& questions) {
    for (const std::uint32_t number : questions) {
        const auto found = core_->questions.find(number);
        if (found == core_->questions.end()) {
            continue;
        }
        // The pool is part of the core, so a job must not keep the core alive.
        core_->workers.submit([core = core_.get(), weak = std::weak_ptr<Core>(core_), number,
                               question = found->second] {
            probe::Answer answer;
            const auto thrown = contained(
                [&] { answer = run_exec_probe(core->podman, question, core->stop.get_token()); });
            if (thrown) {
                answer = {0, probe::Outcome::Unknown, "internal error: " + *thrown};
            }
            answer.question = number;
            core->scheduler.post([weak, answer = std::move(answer)] {
                if (const auto still = weak.lock()) {
                    still->take(answer);
                }
            });
        });
    }
}

}  // namespace podreeve::health
