#include "agent/handlers/volume_files.h"

#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <map>
#include <set>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "runtime/base/digest.h"
#include "runtime/base/shell_word.h"
#include "runtime/base/unique_fd.h"
#include "runtime/base/utf8.h"

namespace podreeve::handlers {

namespace {

namespace fs = std::filesystem;

constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
// O_NONBLOCK: what was a file a moment ago may be a FIFO by now.
constexpr int kFile = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
constexpr mode_t kModeBits = 07777;

Error io_error(const char* verb, const fs::path& path) {
    return errno_error(fmt::format("{} {} in the volume", verb, path.string()), errno);
}

Error removal_error(const fs::path& path, int error) {
    return errno_error(fmt::format("remove {} in the volume", path.string()), error);
}

// What is another user's, as a container may make it, only that user or podman's root can remove.
bool is_denied(const Status& removed) {
    return !removed && removed.error().code == Code::Denied;
}

Result<DirectoryStream> list(int directory, const fs::path& path) {
    UniqueFd copy(openat(directory, ".", kDirectory));
    DirectoryStream listing(copy ? fdopendir(copy.get()) : nullptr);
    if (!listing) {
        return io_error("list", path);
    }
    copy.release();
    return listing;
}

// The next names that are to be taken, a few at a time: a container may have made millions.
template <class Take>
std::vector<std::string> next_names(DIR* listing, Take take) {
    constexpr std::size_t kAtOnce = 512;
    std::vector<std::string> names;
    while (names.size() < kAtOnce) {
        const dirent* entry = readdir(listing);
        if (entry == nullptr) {
            break;
        }
        std::string name = &entry->d_name[0];
        if (name != "." && name != ".." && take(name)) {
            names.push_back(std::move(name));
        }
    }
    return names;
}

bool take_all(const std::string&) {
    return true;
}

// Removes trees that a container may have made as deep and as full as it likes, and goes on making:
// a few descriptors at once, and a bounded number of things in all.
class TreeRemoval {
  public:
    explicit TreeRemoval(std::uint64_t most) : left_(most) {}

    // Whatever it is, with all that is in it; a link is removed, not what it leads to. Denied: all
    // of it but what is another user's.
    Status remove(int parent, const std::string& name, const fs::path& path) {
        top_ = parent;
        Status done = remove(parent, name, path, 0);
        // What was too deep stands beside it by now, and is no deeper than it was.
        while (!moved_up_.empty()) {
            const std::string next = std::move(moved_up_.back());
            moved_up_.pop_back();
            const Status removed = remove(parent, next, path, 0);
            done = done ? removed : done;
        }
        return done;
    }

  private:
    static constexpr int kDeepest = 16;
    static constexpr std::size_t kMostMoved = 4096;

    Status remove(int parent, const std::string& name, const fs::path& path, int depth) {
        if (left_ == 0) {
            return fail(Code::Unavailable,
                        fmt::format("cannot remove {} in the volume: there is too much in it for "
                                    "one go, and it is gone on with at the next try; stop what "
                                    "fills it",
                                    path.string()));
        }
        --left_;
        if (unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) {
            return {};
        }
        const int unlink_error = errno;
        if (unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) {
            return {};
        }
        if (depth >= kDeepest) {
            return move_up(parent, name, path);
        }
        const UniqueFd directory(openat(parent, name.c_str(), kDirectory));
        if (!directory) {
            return removal_error(path, unlink_error == EISDIR ? errno : unlink_error);
        }
        RETURN_IF_ERROR(empty(directory.get(), path, depth));
        if (unlinkat(parent, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
            return removal_error(path, errno);
        }
        return {};
    }

    Status empty(int directory, const fs::path& path, int depth) {
        ASSIGN_OR_RETURN(const DirectoryStream listing, list(directory, path));
        Status done;
        while (true) {
            const std::vector<std::string> names = next_names(listing.get(), take_all);
            if (names.empty()) {
                return done;
            }
            for (const std::string& name : names) {
                const Status removed = remove(directory, name, path, depth + 1);
                if (!removed && !is_denied(removed)) {
                    return removed;
                }
                done = done ? removed : done;
            }
        }
    }

    // Never by "..": what is open may have been moved meanwhile.
    Status move_up(int parent, const std::string& name, const fs::path& path) {
        std::string fresh = ".podreeve-" + random_hex(8);
        if (moved_up_.size() >= kMostMoved ||
            renameat(parent, name.c_str(), top_, fresh.c_str()) != 0) {
            return removal_error(path, moved_up_.size() >= kMostMoved ? EMFILE : errno);
        }
        moved_up_.push_back(std::move(fresh));
        return {};
    }

    std::uint64_t left_;
    int top_ = -1;
    std::vector<std::string> moved_up_;
};

// Removes what stands where something wanted is to be; what is another user's is moved aside.
Status clear_way(int parent, const std::string& name, const fs::path& path, TreeRemoval& removal) {
    const Status removed = removal.remove(parent, name, path);
    const std::string aside = ".podreeve-" + random_hex(8);
    if (is_denied(removed) && renameat(parent, name.c_str(), parent, aside.c_str()) == 0) {
        return {};
    }
    return removed;
}

Status give_mode(int fd, mode_t mode, const fs::path& path) {
    struct stat now {};

    if (fstat(fd, &now) == 0 && (now.st_mode & kModeBits) == mode) {
        return {};
    }
    if (fchmod(fd, mode) != 0) {
        return io_error("change the mode of", path);
    }
    return {};
}

// One that is another user's, as a container may make it, cannot be used, whatever its mode.
bool is_usable(int directory, const fs::path& path) {
    return give_mode(directory, 0755, path) &&
           faccessat(directory, ".", W_OK | X_OK, AT_EACCESS) == 0;
}

Result<UniqueFd> open_directory(int parent,
                                const std::string& name,
                                const fs::path& path,
                                TreeRemoval& removal) {
    UniqueFd directory(openat(parent, name.c_str(), kDirectory));
    if (directory ? !is_usable(directory.get(), path) : errno != ENOENT) {
        RETURN_IF_ERROR(clear_way(parent, name, path, removal));
        directory.reset();
    }
    if (!directory) {
        if (mkdirat(parent, name.c_str(), 0755) != 0) {
            return io_error("create", path);
        }
        directory.reset(openat(parent, name.c_str(), kDirectory));
    }
    if (!directory) {
        return io_error("open", path);
    }
    RETURN_IF_ERROR(give_mode(directory.get(), 0755, path));
    return directory;
}

// Whether the file there has that content; an unreadable or odd one has not.
bool has_content(int fd, const std::string& content) {
    struct stat now {};

    if (fstat(fd, &now) != 0 || !S_ISREG(now.st_mode) ||
        static_cast<std::size_t>(now.st_size) != content.size()) {
        return false;
    }
    std::string there(content.size(), '\0');
    std::size_t got = 0;
    while (got < there.size()) {
        const ssize_t n = read(fd, there.data() + got, there.size() - got);
        if (n <= 0) {
            return false;
        }
        got += static_cast<std::size_t>(n);
    }
    return there == content;
}

Status write_all(int fd, const std::string& content, const fs::path& path) {
    std::size_t put = 0;
    while (put < content.size()) {
        const ssize_t n = write(fd, content.data() + put, content.size() - put);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return io_error("write", path);
        }
        put += static_cast<std::size_t>(n);
    }
    return {};
}

// Under a name of its own beside the one it is to have; the name.
Result<std::string> write_temporary(int directory,
                                    const manifests::VolumeFile& file,
                                    const fs::path& path) {
    std::string temporary = ".podreeve-" + random_hex(8);
    const UniqueFd fd(openat(directory, temporary.c_str(),
                             O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd) {
        return io_error("create", path);
    }
    Status written = write_all(fd.get(), file.content, path);
    if (written) {
        written = give_mode(fd.get(), file.mode & kModeBits, path);
    }
    if (written && fsync(fd.get()) != 0) {
        written = io_error("write", path);
    }
    if (!written) {
        unlinkat(directory, temporary.c_str(), 0);
        return written.error();
    }
    return temporary;
}

bool is_as_wanted(int directory,
                  const std::string& name,
                  const manifests::VolumeFile& file,
                  const fs::path& path) {
    struct stat there {};

    if (fstatat(directory, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(there.st_mode)) {
        return false;
    }
    const UniqueFd fd(openat(directory, name.c_str(), kFile));
    // Of one that is another user's the mode cannot be set.
    return fd && has_content(fd.get(), file.content) &&
           give_mode(fd.get(), file.mode & kModeBits, path);
}

// New files, all of which are written before the first takes its place: what the volume's
// containers read is the old version or the new one, also where the disk has no room for all of it.
class NewFiles {
  public:
    NewFiles(int root, TreeRemoval& removal) : root_(root), removal_(removal) {}

    ~NewFiles() {
        for (std::size_t i = placed_; i < files_.size(); ++i) {
            unlinkat(files_[i].directory, files_[i].temporary.c_str(), 0);
        }
    }

    NewFiles(const NewFiles&) = delete;
    NewFiles& operator=(const NewFiles&) = delete;

    // Nothing is written where the file is as it is wanted.
    Status write(const fs::path& path, const manifests::VolumeFile& file) {
        ASSIGN_OR_RETURN(const int directory, directory_of(path.parent_path()));
        const std::string name = path.filename().string();
        if (is_as_wanted(directory, name, file, path)) {
            return {};
        }
        ASSIGN_OR_RETURN(std::string temporary, write_temporary(directory, file, path));
        files_.push_back({directory, std::move(temporary), name, path});
        return {};
    }

    // How many there were.
    Result<unsigned> place() {
        for (const NewFile& file : files_) {
            struct stat there {};

            const bool exists =
                fstatat(file.directory, file.name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0;
            if (exists && S_ISDIR(there.st_mode)) {
                RETURN_IF_ERROR(clear_way(file.directory, file.name, file.path, removal_));
            }
            if (renameat(file.directory, file.temporary.c_str(), file.directory,
                         file.name.c_str()) != 0) {
                return io_error("replace", file.path);
            }
            ++placed_;
        }
        return static_cast<unsigned>(placed_);
    }

  private:
    struct NewFile {
        int directory;  // open in directories_, or the root
        std::string temporary, name;
        fs::path path;
    };

    Result<int> directory_of(const fs::path& parent) {
        int directory = root_;
        fs::path walked;
        for (const fs::path& step : parent) {
            walked /= step;
            UniqueFd& here = directories_[walked];
            if (!here) {
                ASSIGN_OR_RETURN(here, open_directory(directory, step.string(), walked, removal_));
            }
            directory = here.get();
        }
        return directory;
    }

    int root_;
    TreeRemoval& removal_;
    std::map<fs::path, UniqueFd> directories_;
    std::vector<NewFile> files_;
    std::size_t placed_ = 0;
};

Result<fs::path> checked_path(const std::string& text) {
    const fs::path path(text);
    const bool odd = text.empty() || path.is_absolute() || path.lexically_normal() != path ||
                     *path.begin() == ".." || !path.has_filename() || path.filename() == ".";
    if (odd) {
        return fail(Code::InvalidArgument,
                    fmt::format("cannot write {} into a volume: the path has to be relative and "
                                "to stay inside",
                                text));
    }
    return path;
}

// Which of a volume's names are to stay, and what became of the others.
struct Tidying {
    const std::set<fs::path>& wanted;
    const std::set<fs::path>& parents;  // the directories that lead to them
    FilesWritten& result;

    Status note(const Status& removed, const fs::path& path) {
        if (is_denied(removed)) {
            result.first_left = result.left == 0 ? path : result.first_left;
            ++result.left;
            return {};
        }
        result.removed += removed ? 1 : 0;
        return removed;
    }
};

// Removes what is neither wanted nor a directory on the way to something wanted.
Status remove_unwanted(int directory, const fs::path& at, TreeRemoval& removal, Tidying& tidying) {
    ASSIGN_OR_RETURN(const DirectoryStream listing, list(directory, at));
    const auto is_unwanted = [&](const std::string& name) {
        return !tidying.wanted.contains(at / name) && !tidying.parents.contains(at / name);
    };
    while (true) {
        const std::vector<std::string> names = next_names(listing.get(), is_unwanted);
        if (names.empty()) {
            break;
        }
        for (const std::string& name : names) {
            RETURN_IF_ERROR(tidying.note(removal.remove(directory, name, at / name), at / name));
        }
    }
    for (const fs::path& parent : tidying.parents) {
        if (parent.parent_path() != at) {
            continue;
        }
        const UniqueFd inner(openat(directory, parent.filename().c_str(), kDirectory));
        if (!inner) {
            return io_error("open", parent);
        }
        RETURN_IF_ERROR(remove_unwanted(inner.get(), parent, removal, tidying));
    }
    return {};
}

}  // namespace

Result<FilesWritten> write_files(const fs::path& root,
                                 const std::vector<manifests::VolumeFile>& files,
                                 std::uint64_t most_removed) {
    const UniqueFd fd(open(root.c_str(), kDirectory));
    if (!fd) {
        return errno_error(fmt::format("open the volume's directory {}", root.string()), errno);
    }
    FilesWritten result;
    TreeRemoval removal(most_removed);
    NewFiles fresh(fd.get(), removal);
    std::set<fs::path> wanted, parents;
    for (const manifests::VolumeFile& file : files) {
        ASSIGN_OR_RETURN(const fs::path path, checked_path(file.path));
        wanted.insert(path);
        for (fs::path parent = path.parent_path(); !parent.empty(); parent = parent.parent_path()) {
            parents.insert(parent);
        }
        RETURN_IF_ERROR(fresh.write(path, file));
    }
    ASSIGN_OR_RETURN(result.written, fresh.place());
    Tidying tidying{wanted, parents, result};
    RETURN_IF_ERROR(remove_unwanted(fd.get(), "", removal, tidying));
    if (result.written + result.removed > 0 && fsync(fd.get()) != 0) {
        return errno_error(fmt::format("flush the volume's directory {}", root.string()), errno);
    }
    return result;
}

std::string words_of_left(const fs::path& root, const FilesWritten& files) {
    const fs::path first = root / files.first_left;
    const std::string more = files.left == 1 ? "" : fmt::format(" and {} more", files.left - 1);
    const std::string advice = is_nameable(first)
                                   ? fmt::format("rm -r {}' removes it", shell_word(first))
                                   : fmt::format("ls -lb {}' shows its name", shell_word(root));
    return fmt::format("left {}{}: another user of the container's owns that; 'podman unshare {}",
                       clean_text(first.string()), more, advice);
}

Status make_sub_path(const fs::path& root, const std::string& sub_path) {
    ASSIGN_OR_RETURN(const fs::path path, checked_path(sub_path));
    UniqueFd directory(open(root.c_str(), kDirectory));
    fs::path walked;
    for (const fs::path& step : path) {
        walked /= step;

        struct stat there {};

        if (!directory) {
            return io_error("open", walked.parent_path());
        }
        if (fstatat(directory.get(), step.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
            !S_ISDIR(there.st_mode)) {
            return {};
        }
        const bool made = mkdirat(directory.get(), step.c_str(), 0755) == 0;
        if (!made && errno != EEXIST) {
            return io_error("create", walked);
        }
        directory.reset(openat(directory.get(), step.c_str(), kDirectory));
        if (made && directory) {  // the agent's own umask is no business of a container's
            RETURN_IF_ERROR(give_mode(directory.get(), 0755, walked));
        }
    }
    return {};
}

}  // namespace podreeve::handlers
