#pragma once

#include <filesystem>
#include <string>

#include "runtime/base/clock.h"
#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace podreeve::state {

// A directory for the agent alone: made with mode 0700 when missing, with those above it, brought
// to it when wider and empty or ours. Conflict for one that holds other things and is open to
// others, Denied for another user's.
Status make_private_directory(const std::filesystem::path& path);

// The directory the state lives in, and the claim on it. Held for the life of the agent:
//   lock      flock'ed, holds the pid; 0600
//   owner     the instance id; 0600. Apart from the database, since the labels on podman's objects
//             must stay ours when the database is lost
//   state.db  see store.h
class StateDirectory {
  public:
    // Made private first; Conflict too, with the other's pid, while another agent holds it.
    static Result<StateDirectory> open(const std::filesystem::path& path);

    const std::filesystem::path& path() const { return path_; }

    std::filesystem::path database() const { return path_ / "state.db"; }

    std::filesystem::path owner_file() const { return path_ / "owner"; }

    // The id in the owner file; empty when there is none. One that nobody can have written is set
    // aside first.
    Result<std::string> read_owner(WallTime now) const;
    Status write_owner(const std::string& owner) const;

    // Renames the file and what SQLite keeps beside it to NAME.corrupt-TIME; the new name.
    Result<std::string> set_aside(const std::filesystem::path& file, WallTime now) const;

  private:
    StateDirectory(std::filesystem::path path, UniqueFd lock)
        : path_(std::move(path)), lock_(std::move(lock)) {}

    std::filesystem::path path_;
    UniqueFd lock_;
};

}  // namespace podreeve::state
