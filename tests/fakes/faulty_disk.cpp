#include "tests/fakes/faulty_disk.h"

#include <cstring>
#include <stdexcept>

#include <sqlite3.h>

namespace podreeve::fakes {
namespace {

constexpr const char* kName = "podreeve-faulty";

struct Disk {
    std::atomic<unsigned> writes = 0, failures = 0;
    std::atomic<unsigned> fails_from = 0;  // 0: never
    std::atomic<DiskFault> fault = DiskFault::Full;
    sqlite3_vfs* under = nullptr;
    sqlite3_vfs vfs{};
    sqlite3_io_methods methods{};
};

Disk& disk() {
    static Disk one;
    return one;
}

// A file of the disk is followed by the file of SQLite's that it stands on.
struct File {
    sqlite3_file base;
};

sqlite3_file* under(sqlite3_file* file) {
    return reinterpret_cast<sqlite3_file*>(reinterpret_cast<File*>(file) + 1);
}

bool fails() {
    const unsigned number = ++disk().writes;
    const unsigned from = disk().fails_from;
    const bool failing = from != 0 && number >= from;
    disk().failures += failing ? 1 : 0;
    return failing;
}

int decision(int io_error) {
    return disk().fault == DiskFault::Error ? io_error : SQLITE_FULL;
}

int close_file(sqlite3_file* file) {
    return under(file)->pMethods->xClose(under(file));
}

int read_file(sqlite3_file* file, void* data, int size, sqlite3_int64 at) {
    return under(file)->pMethods->xRead(under(file), data, size, at);
}

int write_file(sqlite3_file* file, const void* data, int size, sqlite3_int64 at) {
    if (!fails()) {
        return under(file)->pMethods->xWrite(under(file), data, size, at);
    }
    if (disk().fault == DiskFault::Short) {
        under(file)->pMethods->xWrite(under(file), data, size / 2, at);
    }
    return decision(SQLITE_IOERR_WRITE);
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
    return fails() ? decision(SQLITE_IOERR_TRUNCATE)
                   : under(file)->pMethods->xTruncate(under(file), size);
}

int sync_file(sqlite3_file* file, int flags) {
    return fails() ? decision(SQLITE_IOERR_FSYNC)
                   : under(file)->pMethods->xSync(under(file), flags);
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
    return under(file)->pMethods->xFileSize(under(file), size);
}

int lock_file(sqlite3_file* file, int level) {
    return under(file)->pMethods->xLock(under(file), level);
}

int unlock_file(sqlite3_file* file, int level) {
    return under(file)->pMethods->xUnlock(under(file), level);
}

int check_lock(sqlite3_file* file, int* result) {
    return under(file)->pMethods->xCheckReservedLock(under(file), result);
}

int control(sqlite3_file* file, int operation, void* argument) {
    return under(file)->pMethods->xFileControl(under(file), operation, argument);
}

int sector_size(sqlite3_file* file) {
    return under(file)->pMethods->xSectorSize(under(file));
}

int traits_of(sqlite3_file* file) {
    return under(file)->pMethods->xDeviceCharacteristics(under(file));
}

int open_file(sqlite3_vfs*, sqlite3_filename name, sqlite3_file* file, int flags, int* out) {
    file->pMethods = nullptr;
    const int result = disk().under->xOpen(disk().under, name, under(file), flags, out);
    if (result == SQLITE_OK) {
        file->pMethods = &disk().methods;
    }
    return result;
}

}  // namespace

FaultyDisk::FaultyDisk() {
    Disk& it = disk();
    mend();
    it.under = sqlite3_vfs_find(nullptr);
    it.vfs = *it.under;
    it.vfs.zName = kName;
    it.vfs.pNext = nullptr;
    it.vfs.szOsFile = static_cast<int>(sizeof(File)) + it.under->szOsFile;
    it.vfs.xOpen = open_file;
    // Version 1: without shared memory, which an exclusive database does not need.
    it.methods = {};
    it.methods.iVersion = 1;
    it.methods.xClose = close_file;
    it.methods.xRead = read_file;
    it.methods.xWrite = write_file;
    it.methods.xTruncate = truncate_file;
    it.methods.xSync = sync_file;
    it.methods.xFileSize = file_size;
    it.methods.xLock = lock_file;
    it.methods.xUnlock = unlock_file;
    it.methods.xCheckReservedLock = check_lock;
    it.methods.xFileControl = control;
    it.methods.xSectorSize = sector_size;
    it.methods.xDeviceCharacteristics = traits_of;
    if (sqlite3_vfs_register(&it.vfs, 1) != SQLITE_OK) {
        throw std::runtime_error("cannot register the faulty disk with SQLite");
    }
}

FaultyDisk::~FaultyDisk() {
    sqlite3_vfs_unregister(&disk().vfs);
    sqlite3_vfs_register(disk().under, 1);
}

void FaultyDisk::fail_from(unsigned write, DiskFault fault) {
    disk().writes = disk().failures = 0;
    disk().fault = fault;
    disk().fails_from = write;
}

void FaultyDisk::mend() {
    disk().fails_from = 0;
    disk().writes = disk().failures = 0;
}

unsigned FaultyDisk::writes() const {
    return disk().writes;
}

unsigned FaultyDisk::failures() const {
    return disk().failures;
}

}  // namespace podreeve::fakes
