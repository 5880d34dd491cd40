// Runs a fuzz target over files, for builds without libFuzzer: replay DIRECTORY…. Aborts where the
// target does, the file's name before it.

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

std::vector<std::uint8_t> bytes_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
    return {bytes.begin(), bytes.end()};
}

}  // namespace

int main(int count, char** directories) {
    int replayed = 0;
    for (int i = 1; i < count; ++i) {
        for (const auto& entry : std::filesystem::recursive_directory_iterator(directories[i])) {
            if (!entry.is_regular_file()) {
                continue;
            }
            std::fprintf(stderr, "%s\n", entry.path().c_str());
            const std::vector<std::uint8_t> bytes = bytes_of(entry.path());
            LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
            ++replayed;
        }
    }
    std::fprintf(stderr, "%d inputs, and none broke anything\n", replayed);
    return replayed > 0 ? 0 : 1;
}
