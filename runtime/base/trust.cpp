#include "runtime/base/trust.h"

#include <algorithm>
#include <charconv>
#include <deque>
#include <functional>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "runtime/base/atomic_file.h"
#include "runtime/base/shell_word.h"
#include "runtime/base/utf8.h"

namespace podreeve {
namespace {

constexpr std::uintmax_t kMostBytes = 4 << 20;
constexpr int kMostLinksAbove = 40;  // as the kernel follows in one path

std::vector<std::string_view> split(std::string_view text, char at) {
    std::vector<std::string_view> out;
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t end = std::min(text.find(at, begin), text.size());
        out.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return out;
}

bool is_number(std::string_view text, std::uint32_t wanted) {
    std::uint32_t number = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && rest == text.data() + text.size() && number == wanted;
}

// The names of those whose primary group it is.
std::vector<std::string> users_with(std::string_view passwd,
                                    gid_t group,
                                    uid_t user,
                                    bool& others) {
    std::vector<std::string> names;
    for (const std::string_view line : split(passwd, '\n')) {
        const auto fields = split(line, ':');
        if (fields.size() < 4 || !is_number(fields[3], group)) {
            continue;
        }
        if (is_number(fields[2], user)) {
            names.emplace_back(fields[0]);
        } else {
            others = true;
        }
    }
    return names;
}

bool is_only_member(std::string_view members, const std::vector<std::string>& names) {
    const auto all = split(members, ',');
    return std::all_of(all.begin(), all.end(), [&](std::string_view member) {
        return member.empty() || std::find(names.begin(), names.end(), member) != names.end();
    });
}

bool may_be_changed_by_all(const std::filesystem::path& directory) {
    struct stat info {};

    return ::stat(directory.c_str(), &info) == 0 && (info.st_mode & S_IWOTH) != 0 &&
           (info.st_mode & S_ISVTX) == 0;
}

}  // namespace

bool is_private_group(uid_t user, gid_t group, const Accounts& accounts) {
    const auto passwd = read_file(accounts.passwd, kMostBytes);
    const auto groups = read_file(accounts.group, kMostBytes);
    if (!passwd || !groups) {
        return false;
    }
    bool others = false;
    const std::vector<std::string> names = users_with(*passwd, group, user, others);
    if (names.empty() || others) {
        return false;
    }
    bool found = false;
    for (const std::string_view line : split(*groups, '\n')) {
        const auto fields = split(line, ':');
        if (fields.size() < 4 || !is_number(fields[2], group)) {
            continue;
        }
        found = true;
        if (!is_only_member(fields[3], names)) {
            return false;
        }
    }
    return found;
}

std::string distrust_of(const struct stat& info,
                        uid_t owner,
                        const std::filesystem::path& path,
                        const Accounts& accounts) {
    if (info.st_uid != owner && info.st_uid != 0) {
        return fmt::format("belongs to user {} and not to user {} or root: run 'chown {} {}'",
                           info.st_uid, owner, owner, shell_word(path));
    }
    const bool by_all = (info.st_mode & S_IWOTH) != 0;
    const bool by_group =
        (info.st_mode & S_IWGRP) != 0 && !is_private_group(info.st_uid, info.st_gid, accounts);
    if (!by_all && !by_group) {
        return {};
    }
    return fmt::format("may be written by others: run 'chmod {} {}'",
                       by_all ? (by_group ? "go-w" : "o-w") : "g-w", shell_word(path));
}

// Component by component, as the kernel goes.
std::string distrust_above(const std::filesystem::path& directory) {
    namespace fs = std::filesystem;
    std::error_code error;
    const fs::path whole = fs::absolute(directory, error);
    std::deque<fs::path> rest(whole.begin(), whole.end());
    fs::path here = "/";
    for (int links = 0; !error && !rest.empty() && links <= kMostLinksAbove;) {
        const fs::path name = rest.front();
        rest.pop_front();
        if (name.empty() || name == "." || name == "/") {
            continue;
        }
        if (may_be_changed_by_all(here)) {
            return fmt::format("lies below {}, which may be written by others: run 'chmod o-w {}'",
                               clean_text(here.string()), shell_word(here));
        }
        const fs::path next = name == ".." ? here.parent_path() : here / name;
        if (!fs::is_symlink(fs::symlink_status(next, error))) {
            here = next;
            continue;
        }
        const fs::path target = fs::read_symlink(next, error);
        rest.insert(rest.begin(), target.begin(), target.end());
        here = target.is_absolute() ? fs::path("/") : here;
        ++links;
    }
    return {};
}

Result<std::string> read_trusted_file(const std::filesystem::path& path,
                                      std::uintmax_t max_bytes,
                                      uid_t owner) {
    return read_file(path, max_bytes, [&](const struct stat& info) -> Status {
        if (const std::string why = distrust_of(info, owner, path); !why.empty()) {
            return fail(Code::Denied, fmt::format("cannot use {}: it {}", path.string(), why));
        }
        return {};
    });
}

}  // namespace podreeve
