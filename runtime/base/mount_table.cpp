#include "runtime/base/mount_table.h"

#include <array>
#include <cerrno>
#include <unistd.h>
#include <vector>

#include <climits>
#include <fmt/format.h>

#include "runtime/base/atomic_file.h"

namespace podreeve {
namespace {

constexpr std::uintmax_t kLargestTable = 16 * 1024 * 1024;

// Of "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw"
struct MountRow {
    std::string_view id, device, root, point;
};

// The kernel writes a blank, a tab, a line feed and a backslash as an octal number.
std::string unescaped(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::string_view code = text.substr(i, 4);
        if (code.size() == 4 && code[0] == '\\' &&
            code.find_first_not_of("01234567", 1) == std::string_view::npos) {
            out += static_cast<char>((code[1] - '0') * 64 + (code[2] - '0') * 8 + code[3] - '0');
            i += 3;
        } else {
            out += text[i];
        }
    }
    return out;
}

std::optional<MountRow> row_in(std::string_view line) {
    std::array<std::string_view, 5> words;
    for (std::string_view& word : words) {
        const std::size_t end = line.find(' ');
        if (end == std::string_view::npos) {
            return std::nullopt;
        }
        word = line.substr(0, end);
        line.remove_prefix(end + 1);
    }
    return MountRow{words[0], words[2], words[3], words[4]};
}

std::vector<MountRow> rows_in(std::string_view table) {
    std::vector<MountRow> rows;
    while (!table.empty()) {
        const std::size_t end = std::min(table.find('\n'), table.size());
        if (const auto row = row_in(table.substr(0, end))) {
            rows.push_back(*row);
        }
        table.remove_prefix(std::min(end + 1, table.size()));
    }
    return rows;
}

// "12" of "pos:\t0\nflags:\t…\nmnt_id:\t12\n"
std::string mount_id_in(std::string_view fdinfo) {
    constexpr std::string_view kKey = "mnt_id:\t";
    const std::size_t at = fdinfo.find(kKey);
    if (at == std::string_view::npos) {
        return "";
    }
    fdinfo.remove_prefix(at + kKey.size());
    return std::string(fdinfo.substr(0, fdinfo.find('\n')));
}

Result<std::string> name_of(int fd, const std::filesystem::path& self) {
    std::string name(PATH_MAX, '\0');
    const std::string link = fmt::format("{}/fd/{}", self.string(), fd);
    const ssize_t length = ::readlink(link.c_str(), name.data(), name.size());
    if (length < 0) {
        return errno_error(fmt::format("read {}", link), errno);
    }
    name.resize(static_cast<std::size_t>(length));
    return name;
}

std::string joined(std::string root, std::string_view below) {
    while (below.starts_with('/')) {
        below.remove_prefix(1);
    }
    if (below.empty()) {
        return root;
    }
    return (root.ends_with('/') ? root : root + "/") + std::string(below);
}

}  // namespace

std::optional<FileSystemPlace> place_of_mount(std::string_view mountinfo, std::string_view target) {
    std::optional<FileSystemPlace> found;
    for (const MountRow& row : rows_in(mountinfo)) {
        if (unescaped(row.point) == target) {
            found = {std::string(row.device), unescaped(row.root)};
        }
    }
    return found;
}

std::vector<std::string> mount_points(std::string_view mountinfo) {
    std::vector<std::string> points;
    for (const MountRow& row : rows_in(mountinfo)) {
        points.push_back(unescaped(row.point));
    }
    return points;
}

Result<std::string> read_mountinfo(const std::filesystem::path& self) {
    return read_file(self / "mountinfo", kLargestTable);
}

Result<FileSystemPlace> place_of_file(int fd, const std::filesystem::path& self) {
    ASSIGN_OR_RETURN(const std::string fdinfo,
                     read_file(self / "fdinfo" / std::to_string(fd), kLargestTable));
    ASSIGN_OR_RETURN(const std::string table, read_mountinfo(self));
    ASSIGN_OR_RETURN(const std::string name, name_of(fd, self));
    const std::string id = mount_id_in(fdinfo);
    for (const MountRow& row : rows_in(table)) {
        const std::string point = unescaped(row.point);
        if (row.id == id && name.starts_with(point)) {
            return FileSystemPlace{
                std::string(row.device),
                joined(unescaped(row.root), std::string_view(name).substr(point.size()))};
        }
    }
    return fail(Code::NotFound, fmt::format("cannot find the mount that {} is in", name));
}

}  // namespace podreeve
