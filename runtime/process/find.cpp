#include "runtime/process/find.h"

#include <algorithm>
#include <charconv>

#include "runtime/base/atomic_file.h"

namespace podreeve::process {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kLongestCommand = 64U << 10U;
// More numbers than processes of a host: then it is quicker to list these.
constexpr pid_t kMostNumbers = 2048;

pid_t number_of(std::string_view text) {
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
    return error == std::errc() && end == text.data() + text.size() ? pid : 0;
}

std::vector<pid_t> all(const fs::path& proc) {
    std::vector<pid_t> out;
    std::error_code error;
    for (fs::directory_iterator entry(proc, error), end; !error && entry != end;
         entry.increment(error)) {
        if (const pid_t pid = number_of(entry->path().filename().string()); pid != 0) {
            out.push_back(pid);
        }
    }
    std::sort(out.begin(), out.end());
    return out;
}

std::vector<pid_t> candidates(const Wanted& wanted, const fs::path& proc) {
    // Numbers begin anew at the end of their range.
    const bool bounded = wanted.after > 0 && wanted.up_to >= wanted.after &&
                         wanted.up_to - wanted.after <= kMostNumbers;
    if (!bounded) {
        return all(proc);
    }
    std::vector<pid_t> out;
    for (pid_t pid = wanted.after + 1; pid <= wanted.up_to; ++pid) {
        out.push_back(pid);
    }
    return out;
}

}  // namespace

pid_t newest_pid(const fs::path& proc) {
    // "0.42 0.36 0.33 2/512 4711"
    const Result<std::string> line = read_file(proc / "loadavg", 256);
    if (!line) {
        return 0;
    }
    const std::string_view text = std::string_view(*line).substr(0, line->find('\n'));
    const auto blank = text.rfind(' ');
    return blank == text.npos ? 0 : number_of(text.substr(blank + 1));
}

bool is_wanted(pid_t pid, const Wanted& wanted, const fs::path& proc) {
    const fs::path process = proc / std::to_string(pid);
    const Result<std::string> name = read_file(process / "comm", 256);
    if (!name || *name != wanted.program + '\n') {
        return false;
    }
    // Of one that ends meanwhile the file can be opened and not be read.
    const Result<std::string> line = read_file(process / "cmdline", kLongestCommand);
    return line && line->find('\0' + wanted.argument + '\0') != std::string::npos;
}

std::vector<pid_t> find(const Wanted& wanted, const fs::path& proc) {
    std::vector<pid_t> out = candidates(wanted, proc);
    std::erase_if(out, [&](pid_t pid) { return !is_wanted(pid, wanted, proc); });
    return out;
}

}  // namespace podreeve::process
