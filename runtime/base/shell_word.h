#pragma once

#include <filesystem>
#include <string>

namespace podreeve {

// A path as a POSIX shell takes it for one word, for a command that a message advises: a container
// may have chosen the name. What is not printable text is shown as clean_text() does, and then
// names no file; is_nameable() tells.
std::string shell_word(const std::filesystem::path& path);
bool is_nameable(const std::filesystem::path& path);

}  // namespace podreeve
