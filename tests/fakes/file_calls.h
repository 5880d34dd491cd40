#pragma once

#include <filesystem>
#include <functional>
#include <string>

namespace podreeve::fakes {

// The calls of this process, from whichever thread, that touch files at or below a directory: each
// is told before it is made, so that what goes on meanwhile is what goes on while a disk does not
// answer. Calls that are made while one is told on the same thread are not. The seam is libc's own,
// as SQLite and libstdc++ call it, too: for the programs that link this. One at a time.
class FileCalls {
  public:
    using Told = std::function<void(const std::string& call, const std::filesystem::path& path)>;

    FileCalls(const std::filesystem::path& below, Told reported);
    ~FileCalls();  // waits for those that are being told
    FileCalls(const FileCalls&) = delete;
    FileCalls& operator=(const FileCalls&) = delete;
};

}  // namespace podreeve::fakes
