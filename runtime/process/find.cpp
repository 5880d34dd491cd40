#include "runtime/process/find.h"

#include <algorithm>
#include <charconv>

#include "runtime/base/atomic_file.h"

namespace podreeve::process {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kLongestCommand = 4U << 20U;  // twice what Linux lets a program be given

pid_t number_of(const std::string& name) {
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    return error == std::errc() && end == name.data() + name.size() ? pid : 0;
}

bool has_argument(const fs::path& process, const std::string& argument) {
    // Of one that ends meanwhile the file can be opened and not be read.
    const Result<std::string> line = read_file(process / "cmdline", kLongestCommand);
    return line && line->find('\0' + argument + '\0') != std::string::npos;
}

}  // namespace

std::vector<pid_t> with_argument(const std::string& argument, const fs::path& proc) {
    std::vector<pid_t> out;
    std::error_code error;
    for (fs::directory_iterator entry(proc, error), end; !error && entry != end;
         entry.increment(error)) {
        const pid_t pid = number_of(entry->path().filename().string());
        if (pid != 0 && has_argument(entry->path(), argument)) {
            out.push_back(pid);
        }
    }
    std::sort(out.begin(), out.end());
    return out;
}

}  // namespace podreeve::process
