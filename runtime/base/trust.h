#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <sys/stat.h>
#include <sys/types.h>

#include "runtime/base/result.h"

// Who, beside its owner, could change what stands somewhere.
namespace podreeve {

// The files that say which users and groups there are. They are read as files, since a name service
// may block; who is in none of them is nobody's only member.
struct Accounts {
    std::filesystem::path passwd = "/etc/passwd";
    std::filesystem::path group = "/etc/group";
};

// Whether the group is the user's own, and nobody else is in it. False also when that cannot be
// told.
bool is_private_group(uid_t user, gid_t group, const Accounts& accounts = {});

// Why others than owner and root can change what stands at path, and the command that ends it:
// "may be written by others: run 'chmod o-w /srv/apps'". Empty: they cannot. A group may write
// where it is private to the owner.
std::string distrust_of(const struct stat& info,
                        uid_t owner,
                        const std::filesystem::path& path,
                        const Accounts& accounts = {});

// Why others can put another directory in the place of this one: one above it, or above a link that
// leads to it, may be written by everybody and has no sticky bit. What cannot be looked at says
// nothing.
std::string distrust_above(const std::filesystem::path& directory);

// As read_file(), of what others than owner and root cannot change; Denied otherwise.
Result<std::string> read_trusted_file(const std::filesystem::path& path,
                                      std::uintmax_t max_bytes,
                                      uid_t owner);

}  // namespace podreeve
