#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "manifests/unit_source.h"
#include "runtime/base/disk_directory.h"
#include "runtime/base/result.h"

namespace podreeve::manifests {

// A manifest as it was accepted: all that compile() takes.
struct AcceptedText {
    std::string file;
    std::string text;
    std::vector<std::pair<std::string, std::string>> drop_ins;
    // The unit files it names, or is made of: then text is empty, and file is the first of them.
    std::vector<UnitSource> units = {};
};

// The versions of each app's manifest that were once good, so that a broken one can be answered
// with the last. On disk: <dir>/<app>/<hash>.json (0600, they may hold secrets), and beside them
// the link "current" to the one in force. The JSON's keys are file, text, drop_ins, units; later
// releases may add some, and read those of earlier ones. A file that cannot be read counts as not
// kept. An empty dir keeps nothing. One thread at a time; its disk is told who waits for it.
class AcceptedVersions {
  public:
    explicit AcceptedVersions(DiskDirectory dir);

    // Keeps the version and makes it the current one. It stays until forget() is not told to keep
    // it: only those who know what may lead back to it can tell. Without durable it may be lost in
    // a power cut until sync() is called: for many at once, since a sync a file takes milliseconds.
    Status save(const std::string& app,
                const std::string& hash,
                const AcceptedText& text,
                bool durable = true);
    // Keeps it beside the current one.
    Status keep(const std::string& app,
                const std::string& hash,
                const AcceptedText& text,
                bool durable = true);

    Status sync() const;

    std::optional<AcceptedText> load(const std::string& app, const std::string& hash) const;

    // The hash of the version in force.
    std::optional<std::string> current(const std::string& app) const;

    // The app has no manifest any more: what is kept stays, but nothing is in force.
    void clear_current(const std::string& app);

    // Removes all versions of app but the current one and those named.
    void forget(const std::string& app, const std::vector<std::string>& keep_hashes);

    // Apps of which anything is kept.
    std::vector<std::string> apps() const;

    // Apps with a current version, and the file name each was accepted from.
    std::map<std::string, std::string> current_files() const;

    // What the source notes for its next run, in seen.json beside them.
    Status put_note(const std::string& text);
    Result<std::string> note() const;  // NotFound: there is none

  private:
    DiskDirectory dir_;
};

}  // namespace podreeve::manifests
