#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "agent/reconcile/suspects.h"
#include "runtime/base/in_hand.h"
#include "runtime/base/result.h"

namespace podreeve::reconcile {

// What the brake knows, in a mapped file of a few pages: whom each thread has in hand, and the
// suspects. Read with suspicion: it was written by a process that died.
class BrakeFile {
  public:
    // Made, 0600, where there is none; one of another boot or another shape is begun anew. Denied
    // when it is not ours alone.
    static Result<std::unique_ptr<BrakeFile>> open(const std::filesystem::path& path,
                                                   const std::string& boot_id);
    ~BrakeFile();
    BrakeFile(const BrakeFile&) = delete;
    BrakeFile& operator=(const BrakeFile&) = delete;

    std::span<HandSlot> slots();
    // None when a death came between the words. No time is after now.
    SuspectApps read(SteadyTime now) const;
    // As many as there is room for.
    void write(const SuspectApps& suspects) noexcept;
    void remove() noexcept;

    static constexpr std::size_t kMostSuspects = 64;

  private:
    struct Image;

    BrakeFile(std::filesystem::path path, Image* image) : path_(std::move(path)), image_(image) {}

    std::filesystem::path path_;
    Image* image_;
};

// The death that is marked in a slot, if one is, and if it can be believed.
struct MarkedDeath {
    std::string app;
    SteadyTime at{};
    int signal = 0;
};

std::optional<MarkedDeath> death_in(const HandSlot& slot, SteadyTime now);

}  // namespace podreeve::reconcile
