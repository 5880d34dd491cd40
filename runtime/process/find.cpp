#include "runtime/process/find.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace podreeve::process {
namespace {

pid_t number_of(const std::string& name) {
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    return error == std::errc() && end == name.data() + name.size() ? pid : 0;
}

bool has_argument(const std::filesystem::path& process, const std::string& argument) {
    std::ifstream file(process / "cmdline", std::ios::binary);
    const std::string line{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    const std::string wanted = '\0' + argument + '\0';
    return line.find(wanted) != std::string::npos;
}

}  // namespace

std::vector<pid_t> with_argument(const std::string& argument) {
    std::vector<pid_t> out;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
        const pid_t pid = number_of(entry.path().filename().string());
        if (pid != 0 && has_argument(entry.path(), argument)) {
            out.push_back(pid);
        }
    }
    std::sort(out.begin(), out.end());
    return out;
}

}  // namespace podreeve::process
