#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "quadlet/unit_file.h"
#include "runtime/base/result.h"

namespace podreeve::quadlet {

// What podreeve writes into the unit files it installs, to know them again: a comment for people at
// the top, and a section at the end that Quadlet and systemd both leave alone. A file with no stamp
// is somebody else's.
//
//     # Kept by podreeve for the app shop: edit its manifest instead, changes made here are undone.
//     …
//     [X-Podreeve]
//     App=shop
//     Generation=3
//     Hash=9f86d0…
//     Owner=0f3c5e…
struct Stamp {
    std::string app;
    std::uint64_t generation = 0;
    std::string hash;   // of the text that was stamped, as content_hash() makes it
    std::string owner;  // the id of the agent that wrote it; empty: it named none
    friend bool operator==(const Stamp&, const Stamp&) = default;
};

inline constexpr std::string_view kStampSection = "X-Podreeve";

// The name of podreeve's own drop-in, which says of a unit what its manifest says and its own text
// cannot. After all that people put there, so that its [Unit] stands beside theirs.
inline constexpr const char* kOwnDropIn = "90-podreeve.conf";

// SHA-256 of the text in hex.
std::string content_hash(std::string_view text);

// The text to install for a source without errors: its own bytes between the comment and the
// section. The same source, app, generation and owner give the same bytes; an empty owner is not
// named. InvalidArgument for a source with errors or with a stamp, and for an app's name that is
// not a single line of text.
Result<std::string> stamped(std::string_view source,
                            std::string_view app,
                            std::uint64_t generation,
                            std::string_view owner = {});

// The stamp of a file; none for a file that podreeve has not written. A stamp that is there but
// damaged is Corrupt: the file was podreeve's.
Result<std::optional<Stamp>> read_stamp(std::string_view text);

// Which files are an agent's: those that name it. Agents of one user share a folder, the one that
// keeps a directory and those of `podreeve run`.
struct StampOwner {
    std::string id;
    // Also those that name nobody, or whose stamp is damaged: of the agent that keeps a directory.
    bool takes_unnamed = true;
};

bool is_stamped_by(std::string_view text, const StampOwner& owner);

// Whether the file's bytes are just what stamped() made of the source with the stamp's hash.
bool is_untouched(std::string_view text);

}  // namespace podreeve::quadlet
