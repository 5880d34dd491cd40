#include "tests/fakes/files.h"

#include <fstream>
#include <sstream>

namespace podreeve::fakes {

std::map<std::string, std::string> files_below(const std::filesystem::path& directory) {
    std::map<std::string, std::string> files;
    std::error_code error;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory, error)) {
        if (entry.is_regular_file()) {
            std::ostringstream text;
            text << std::ifstream(entry.path()).rdbuf();
            files[std::filesystem::relative(entry.path(), directory).string()] = text.str();
        }
    }
    return files;
}

}  // namespace podreeve::fakes
