#include "runtime/base/log.h"

#include <memory>
#include <string>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/ansicolor_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "runtime/base/utf8.h"

namespace podreeve::log {
namespace {

// %J in a pattern: the level as syslog's number, the way sd-daemon(3) wants it at the start of a
// line.
class JournalLevel final : public spdlog::custom_flag_formatter {
  public:
    void format(const spdlog::details::log_msg& message,
                const std::tm&,
                spdlog::memory_buf_t& out) override {
        static constexpr std::string_view kNumbers[] = {"7", "7", "6", "4", "3", "2", "6"};
        const std::string_view number = kNumbers[static_cast<std::size_t>(message.level)];
        out.append(number.data(), number.data() + number.size());
    }

    std::unique_ptr<spdlog::custom_flag_formatter> clone() const override {
        return std::make_unique<JournalLevel>();
    }
};

// %Q in a pattern: the message in one line. What others wrote stands in messages, and a line break
// in it would be an entry of its own, with a level of its own.
class OneLine final : public spdlog::custom_flag_formatter {
  public:
    void format(const spdlog::details::log_msg& message,
                const std::tm&,
                spdlog::memory_buf_t& out) override {
        const std::string line = clean_text({message.payload.data(), message.payload.size()});
        out.append(line.data(), line.data() + line.size());
    }

    std::unique_ptr<spdlog::custom_flag_formatter> clone() const override {
        return std::make_unique<OneLine>();
    }
};

// spdlog takes a name that it does not know as "off", which would silence the agent.
spdlog::level::level_enum level_of(std::string_view name) {
    const auto level = spdlog::level::from_str(std::string(name));
    return level == spdlog::level::off && name != "off" ? spdlog::level::info : level;
}

}  // namespace

void init(Sink sink, std::string_view level) {
    auto logger = std::make_shared<spdlog::logger>(
        "podreeve", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    auto formatter = std::make_unique<spdlog::pattern_formatter>();
    formatter->add_flag<JournalLevel>('J').add_flag<OneLine>('Q').set_pattern(
        sink == Sink::Journal ? "<%J>%Q" : "%H:%M:%S.%e %l %Q");
    logger->set_formatter(std::move(formatter));
    logger->set_level(level_of(level));
    logger->flush_on(spdlog::level::trace);
    spdlog::set_default_logger(std::move(logger));
}

}  // namespace podreeve::log
