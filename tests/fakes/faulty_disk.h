#pragma once

#include <atomic>

namespace podreeve::fakes {

// How a disk fails a write.
enum class DiskFault {
    Full,   // ENOSPC: nothing is written
    Error,  // EIO: nothing is written
    Short,  // half of it is written, then the disk is full
};

// SQLite's own file system with a disk under it that can be made to fail: the errors are those that
// SQLite meets on a real one, at its real writes, truncations and syncs. While one lives it is what
// databases that are opened then stand on; one at a time, and databases go first.
class FaultyDisk {
  public:
    FaultyDisk();
    ~FaultyDisk();
    FaultyDisk(const FaultyDisk&) = delete;
    FaultyDisk& operator=(const FaultyDisk&) = delete;

    // From the write of that number on (from 1, counted from now) every write fails so, until it is
    // mended.
    void fail_from(unsigned write, DiskFault fault);
    void mend();
    // Since the last fail_from() or mend().
    unsigned writes() const;
    unsigned failures() const;
};

}  // namespace podreeve::fakes
