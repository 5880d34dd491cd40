#include "tests/fakes/temp_dir.h"

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace podreeve::fakes {
namespace {

namespace fs = std::filesystem;

// Gives the owner every right to the directory and to those below it; what cannot be, is left.
void open_up(const fs::path& directory) {
    std::error_code error;
    fs::permissions(directory, fs::perms::owner_all, fs::perm_options::add, error);
    for (fs::directory_iterator at(directory, error), end; !error && at != end;
         at.increment(error)) {
        std::error_code unknown;
        if (at->symlink_status(unknown).type() == fs::file_type::directory) {
            open_up(at->path());
        }
    }
}

}  // namespace

TempDir::TempDir(const fs::path& parent) {
    std::string name = (parent / "podreeve-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
        throw std::runtime_error("cannot make a directory in " + parent.string());
    }
    path_ = fs::canonical(name);
}

TempDir::~TempDir() {
    std::error_code error;
    fs::remove_all(path_, error);
    if (error) {
        open_up(path_);
        fs::remove_all(path_, error);
    }
}

}  // namespace podreeve::fakes
