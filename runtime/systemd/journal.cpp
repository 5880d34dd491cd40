#include "runtime/systemd/journal.h"

#include <memory>
#include <string_view>

#include <fmt/format.h>
#include <systemd/sd-journal.h>

#include "runtime/base/utf8.h"

namespace podreeve::systemd {
namespace {

constexpr std::size_t kLongestWords = 400;  // bytes

using Journal = std::unique_ptr<sd_journal, decltype(&sd_journal_close)>;

Journal open_journal() {
    sd_journal* journal = nullptr;
    const int opened = sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY);
    return {opened < 0 ? nullptr : journal, &sd_journal_close};
}

// Of the entry at the cursor; "" when it has none.
std::string message_of(sd_journal* journal) {
    const void* data = nullptr;
    std::size_t size = 0;
    if (sd_journal_get_data(journal, "MESSAGE", &data, &size) < 0) {
        return {};
    }
    std::string_view field(static_cast<const char*>(data), size);
    field.remove_prefix(std::min(field.size(), std::string_view("MESSAGE=").size()));
    return clean_text(field.substr(0, kLongestWords));
}

bool is_younger(sd_journal* journal, WallTime than) {
    std::uint64_t usec = 0;
    return sd_journal_get_realtime_usec(journal, &usec) >= 0 &&
           WallTime(std::chrono::microseconds(usec)) >= than;
}

}  // namespace

std::string last_words(const std::string& unit, Scope scope, WallTime not_before) {
    const Journal journal = open_journal();
    const char* field = scope == Scope::User ? "_SYSTEMD_USER_UNIT" : "_SYSTEMD_UNIT";
    const std::string match = fmt::format("{}={}", field, unit);
    if (!journal || sd_journal_add_match(journal.get(), match.data(), match.size()) < 0 ||
        sd_journal_seek_tail(journal.get()) < 0 || sd_journal_previous(journal.get()) <= 0 ||
        !is_younger(journal.get(), not_before)) {
        return {};
    }
    return message_of(journal.get());
}

}  // namespace podreeve::systemd
