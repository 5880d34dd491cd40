#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"

namespace podreeve {

// Where something stands whatever names lead to it: which file system, and the path within. Of two
// bind mounts of one directory it is the same.
struct FileSystemPlace {
    std::string device;  // "8:1", as the kernel writes it
    std::string path;    // "/home/app/data"
    friend bool operator==(const FileSystemPlace&, const FileSystemPlace&) = default;
};

// What a process has mounted at target, by the text of its /proc/PID/mountinfo (proc(5)); the last
// of several there, which covers the others. Nothing when target is no mount point. Asks for no
// right to enter the directories above it.
std::optional<FileSystemPlace> place_of_mount(std::string_view mountinfo, std::string_view target);

// Where something is mounted, by the same text.
std::vector<std::string> mount_points(std::string_view mountinfo);

// The text of the tables of a process directory.
Result<std::string> read_mountinfo(const std::filesystem::path& self = "/proc/self");

// Where the open file stands, by the tables of a process directory of this process ("/proc/self").
Result<FileSystemPlace> place_of_file(int fd, const std::filesystem::path& self = "/proc/self");

}  // namespace podreeve
