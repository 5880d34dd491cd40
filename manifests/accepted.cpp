#include "manifests/accepted.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "manifests/names.h"
#include "manifests/yaml.h"
#include "runtime/base/atomic_file.h"
#include "runtime/base/json_text.h"
#include "runtime/base/unique_fd.h"

namespace podreeve::manifests {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kCurrent = "current";
constexpr const char* kExtension = ".json";
constexpr const char* kNote = "seen.json";
constexpr std::uintmax_t kMaxNoteBytes = 4 * 1024 * 1024;

// A manifest with all its drop-ins, escaped.
constexpr std::uintmax_t kMaxBytes = 64 * kMaxFileBytes;

bool is_hash(const std::string& text) {
    return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    });
}

Status make_private(const fs::path& dir) {
    std::error_code error;
    fs::create_directories(dir.parent_path(), error);
    if (::mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST) {
        return errno_error(fmt::format("make the directory {}", dir.string()), errno);
    }
    return {};
}

// A link is replaced by renaming another over it: there is no moment without one.
Status point_to(const fs::path& link, const std::string& target) {
    const fs::path fresh = link.string() + ".new";
    ::unlink(fresh.c_str());
    if (::symlink(target.c_str(), fresh.c_str()) != 0 ||
        ::rename(fresh.c_str(), link.c_str()) != 0) {
        return errno_error(fmt::format("replace {}", link.string()), errno);
    }
    return {};
}

// Whole or not at all, but for a power cut; what that tears is no JSON and counts as not kept.
Status write_and_rename(const fs::path& path, const std::string& content) {
    const std::string fresh = path.string() + ".new";
    const UniqueFd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    const ssize_t written = fd ? ::write(fd.get(), content.data(), content.size()) : -1;
    if (written != static_cast<ssize_t>(content.size()) ||
        ::rename(fresh.c_str(), path.c_str()) != 0) {
        const int error = written >= 0 && errno == 0 ? ENOSPC : errno;
        ::unlink(fresh.c_str());
        return errno_error(fmt::format("write {}", path.string()), error);
    }
    return {};
}

std::string to_json_text(const AcceptedText& text) {
    json out = {{"file", text.file}, {"text", text.text}, {"drop_ins", text.drop_ins}};
    for (const UnitSource& unit : text.units) {
        out["units"].push_back(
            {{"path", unit.path}, {"text", unit.text}, {"drop_ins", unit.drop_ins}});
    }
    return json_text(out);
}

using TextPairs = std::vector<std::pair<std::string, std::string>>;

std::optional<TextPairs> pairs_from(const json& in) {
    TextPairs out;
    for (const json& pair : in) {
        if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string() || !pair[1].is_string()) {
            return std::nullopt;
        }
        out.emplace_back(pair[0].get<std::string>(), pair[1].get<std::string>());
    }
    return out;
}

std::optional<UnitSource> unit_from(const json& in) {
    const auto is_text = [&](const char* key) {
        return in.is_object() && in.contains(key) && in.at(key).is_string();
    };
    if (!is_text("path") || !is_text("text")) {
        return std::nullopt;
    }
    auto drop_ins = pairs_from(in.value("drop_ins", json::array()));
    if (!drop_ins) {
        return std::nullopt;
    }
    return UnitSource{in.at("path").get<std::string>(), in.at("text").get<std::string>(),
                      std::move(*drop_ins)};
}

std::optional<AcceptedText> from_json_text(const std::string& bytes) {
    const json in = json::parse(bytes, nullptr, false);
    const auto is_text = [&](const char* key) {
        return in.is_object() && in.contains(key) && in.at(key).is_string();
    };
    if (!is_text("file") || !is_text("text")) {
        return std::nullopt;
    }
    auto drop_ins = pairs_from(in.value("drop_ins", json::array()));
    if (!drop_ins) {
        return std::nullopt;
    }
    AcceptedText out{in.at("file").get<std::string>(), in.at("text").get<std::string>(),
                     std::move(*drop_ins)};
    for (const json& each : in.value("units", json::array())) {
        auto unit = unit_from(each);
        if (!unit) {
            return std::nullopt;
        }
        out.units.push_back(std::move(*unit));
    }
    return out;
}

std::vector<fs::path> versions_in(const fs::path& dir) {
    std::vector<fs::path> out;
    std::error_code error;
    for (fs::directory_iterator it(dir, error), end; !error && it != end; it.increment(error)) {
        const fs::path path = it->path();
        if (path.extension() == kExtension && is_hash(path.stem().string())) {
            out.push_back(path);
        }
    }
    return out;
}

}  // namespace

AcceptedVersions::AcceptedVersions(DiskDirectory dir) : dir_(std::move(dir)) {}

Status AcceptedVersions::save(const std::string& app,
                              const std::string& hash,
                              const AcceptedText& text,
                              bool durable) {
    RETURN_IF_ERROR(keep(app, hash, text, durable));
    const auto dir = dir_.use();
    return dir_.is_none() ? Status() : point_to(dir / app / kCurrent, hash + kExtension);
}

Status AcceptedVersions::keep(const std::string& app,
                              const std::string& hash,
                              const AcceptedText& text,
                              bool durable) {
    if (dir_.is_none()) {
        return {};
    }
    const auto dir = dir_.use();
    RETURN_IF_ERROR(make_private(dir.path()));
    RETURN_IF_ERROR(make_private(dir / app));
    const fs::path path = dir / app / (hash + kExtension);
    if (durable) {
        RETURN_IF_ERROR(write_file_atomically(path, to_json_text(text), 0600));
    } else {
        RETURN_IF_ERROR(write_and_rename(path, to_json_text(text)));
    }
    return {};
}

Status AcceptedVersions::sync() const {
    const auto dir = dir_.use();
    const UniqueFd fd(::open(dir.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd || ::syncfs(fd.get()) != 0) {
        return errno_error(fmt::format("sync {}", dir.path().string()), errno);
    }
    return {};
}

std::optional<AcceptedText> AcceptedVersions::load(const std::string& app,
                                                   const std::string& hash) const {
    if (dir_.is_none() || !is_label(app) || !is_hash(hash)) {
        return std::nullopt;
    }
    const auto dir = dir_.use();
    const auto bytes = read_file(dir / app / (hash + kExtension), kMaxBytes);
    return bytes ? from_json_text(*bytes) : std::nullopt;
}

std::optional<std::string> AcceptedVersions::current(const std::string& app) const {
    if (dir_.is_none() || !is_label(app)) {
        return std::nullopt;
    }
    const auto dir = dir_.use();
    std::error_code error;
    const fs::path target = fs::read_symlink(dir / app / kCurrent, error);
    std::string hash = target.stem().string();
    if (error || !is_hash(hash)) {
        return std::nullopt;
    }
    return hash;
}

void AcceptedVersions::clear_current(const std::string& app) {
    if (!dir_.is_none() && is_label(app)) {
        const auto dir = dir_.use();
        ::unlink((dir / app / kCurrent).c_str());
    }
}

void AcceptedVersions::forget(const std::string& app, const std::vector<std::string>& keep_hashes) {
    if (dir_.is_none() || !is_label(app)) {
        return;
    }
    const auto dir = dir_.use();
    const std::string effective = current(app).value_or("");
    for (const fs::path& path : versions_in(dir / app)) {
        const std::string hash = path.stem().string();
        const bool keep = hash == effective || std::find(keep_hashes.begin(), keep_hashes.end(),
                                                         hash) != keep_hashes.end();
        if (!keep) {
            ::unlink(path.c_str());
        }
    }
    ::rmdir((dir / app).c_str());  // only when nothing is left
}

std::vector<std::string> AcceptedVersions::apps() const {
    std::vector<std::string> out;
    std::error_code error;
    if (dir_.is_none()) {
        return out;
    }
    const auto dir = dir_.use();
    for (fs::directory_iterator it(dir.path(), error), end; !error && it != end;
         it.increment(error)) {
        // One that could not be written whole leaves a folder with nothing in it.
        if (is_label(it->path().filename().string()) && !versions_in(it->path()).empty()) {
            out.push_back(it->path().filename().string());
        }
    }
    return out;
}

std::map<std::string, std::string> AcceptedVersions::current_files() const {
    std::map<std::string, std::string> out;
    for (const std::string& app : apps()) {
        const auto hash = current(app);
        const auto text = hash ? load(app, *hash) : std::nullopt;
        if (text) {
            out.emplace(app, fs::path(text->file).filename().string());
        }
    }
    return out;
}

Status AcceptedVersions::put_note(const std::string& text) {
    const auto dir = dir_.use();
    std::error_code error;
    fs::create_directories(dir.path(), error);
    fs::permissions(dir.path(), fs::perms::owner_all, error);
    return write_file_atomically(dir / kNote, text, 0600);
}

Result<std::string> AcceptedVersions::note() const {
    const auto dir = dir_.use();
    return read_file(dir / kNote, kMaxNoteBytes);
}

}  // namespace podreeve::manifests
