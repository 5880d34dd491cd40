#include "agent/reconcile/brake_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "manifests/names.h"
#include "runtime/base/unique_fd.h"

namespace podreeve::reconcile {
namespace {

constexpr std::array<char, 16> kMagic{'p', 'o', 'd', 'r', 'e', 'e', 'v', 'e', '-', 'h', 'a', '1'};
constexpr std::size_t kText = 64;
constexpr std::uint32_t kHighestSignal = 64;

using FixedText = std::array<char, kText>;

struct Record {
    FixedText app{}, spec{};
    std::array<std::int64_t, kDeaths> deaths{};
    std::int64_t tried = 0;
    std::uint32_t death_count = 0;
    std::uint16_t set_aside = 0, on_trial = 0;
};

FixedText text_from(std::string_view given) {
    FixedText text{};
    std::copy_n(given.begin(), std::min(given.size(), text.size()), text.begin());
    return text;
}

std::string text_of(const FixedText& text) {
    return {text.begin(), std::find(text.begin(), text.end(), '\0')};
}

std::int64_t number_of(SteadyTime time) {
    return time.time_since_epoch().count();
}

std::optional<SteadyTime> time_of(std::int64_t number, SteadyTime now) {
    const SteadyTime time{Duration(number)};
    return number < 0 || time > now ? std::nullopt : std::optional(time);
}

bool is_hash(std::string_view text) {
    return std::ranges::all_of(
        text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Record record_of(const std::string& app, const Suspect& suspect) {
    Record record;
    record.app = text_from(app);
    record.spec = text_from(suspect.spec);
    for (const SteadyTime death : suspect.deaths) {
        if (record.death_count < kDeaths) {
            record.deaths[record.death_count++] = number_of(death);
        }
    }
    record.set_aside = suspect.set_aside ? 1 : 0;
    record.on_trial = suspect.tried ? 1 : 0;
    record.tried = suspect.tried ? number_of(*suspect.tried) : 0;
    return record;
}

std::optional<Suspect> suspect_of(const Record& record, SteadyTime now) {
    Suspect suspect;
    suspect.spec = text_of(record.spec);
    if (!is_hash(suspect.spec) || record.death_count == 0 || record.death_count > kDeaths) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < record.death_count; ++i) {
        const auto death = time_of(record.deaths[i], now);
        if (!death) {
            return std::nullopt;
        }
        suspect.deaths.push_back(*death);
    }
    std::ranges::sort(suspect.deaths);
    suspect.set_aside = record.set_aside != 0;
    if (record.on_trial != 0) {
        suspect.tried = time_of(record.tried, now);
    }
    return suspect;
}

}  // namespace

struct BrakeFile::Image {
    std::array<char, kMagic.size()> magic{};
    FixedText boot{};
    std::array<HandSlot, kHandSlots> slots{};
    std::uint32_t check = 0;  // of what follows
    std::uint32_t count = 0;
    std::array<Record, kMostSuspects> records{};

    // FNV-1a: against a torn write, not against anybody.
    std::uint32_t sum() const {
        std::uint32_t sum = 2166136261U;
        const auto add = [&](const void* bytes, std::size_t size) {
            for (std::size_t i = 0; i < size; ++i) {
                sum = (sum ^ static_cast<const unsigned char*>(bytes)[i]) * 16777619U;
            }
        };
        add(&count, sizeof count);
        add(records.data(), sizeof(Record) * std::min<std::size_t>(count, records.size()));
        return sum;
    }
};

namespace {

// Where others may write, or somebody else's file stands, nothing is believed and nothing written.
Status check_ours(int fd, const std::filesystem::path& path) {
    struct stat info {};

    if (::fstat(fd, &info) != 0) {
        return errno_error(fmt::format("look at {}", path.string()), errno);
    }
    if (!S_ISREG(info.st_mode) || info.st_uid != ::geteuid() || info.st_nlink != 1 ||
        (info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return fail(Code::Denied, fmt::format("cannot use {}: it is not the agent's own file alone",
                                              path.string()));
    }
    return {};
}

}  // namespace

Result<std::unique_ptr<BrakeFile>> BrakeFile::open(const std::filesystem::path& path,
                                                   const std::string& boot_id) {
    static_assert(std::is_trivially_copyable_v<Image>);
    const std::filesystem::path directory = path.parent_path();
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
        return errno_error(fmt::format("make {}", directory.string()), errno);
    }
    const UniqueFd fd(
        ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
    if (!fd) {
        return errno_error(fmt::format("open {}", path.string()), errno);
    }
    RETURN_IF_ERROR(check_ours(fd.get(), path));
    // All of it is there before it is mapped: a page that a full tmpfs has no room for is SIGBUS.
    if (const int error = ::posix_fallocate(fd.get(), 0, sizeof(Image)); error != 0) {
        return errno_error(fmt::format("make room for {}", path.string()), error);
    }
    void* const mapped =
        ::mmap(nullptr, sizeof(Image), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    if (mapped == MAP_FAILED) {
        return errno_error(fmt::format("map {}", path.string()), errno);
    }
    auto* const image = static_cast<Image*>(mapped);
    if (image->magic != kMagic || image->boot != text_from(boot_id)) {
        std::memset(mapped, 0, sizeof(Image));
        image->boot = text_from(boot_id);
        image->check = image->sum();
        image->magic = kMagic;
    }
    return std::unique_ptr<BrakeFile>(new BrakeFile(path, image));
}

BrakeFile::~BrakeFile() {
    ::munmap(image_, sizeof(Image));
}

std::span<HandSlot> BrakeFile::slots() {
    return image_->slots;
}

SuspectApps BrakeFile::read(SteadyTime now) const {
    SuspectApps suspects;
    if (image_->count > kMostSuspects || image_->check != image_->sum()) {
        return suspects;
    }
    for (std::size_t i = 0; i < image_->count; ++i) {
        const std::string app = text_of(image_->records[i].app);
        const auto suspect = suspect_of(image_->records[i], now);
        if (suspect && manifests::is_label(app)) {
            suspects.emplace(app, *suspect);
        }
    }
    return suspects;
}

void BrakeFile::write(const SuspectApps& suspects) noexcept {
    std::uint32_t count = 0;
    for (const auto& [app, suspect] : suspects) {
        if (count < kMostSuspects) {
            image_->records[count++] = record_of(app, suspect);
        }
    }
    image_->count = count;
    image_->check = image_->sum();
}

void BrakeFile::remove() noexcept {
    ::unlink(path_.c_str());
}

std::optional<MarkedDeath> death_in(const HandSlot& slot, SteadyTime now) {
    if (slot.signal == 0 || slot.signal > kHighestSignal || slot.length == 0 ||
        slot.length > sizeof slot.app) {
        return std::nullopt;
    }
    const std::string app(slot.app, slot.length);
    const auto at = time_of(slot.died, now);
    if (!at || !manifests::is_label(app)) {
        return std::nullopt;
    }
    return MarkedDeath{app, *at, static_cast<int>(slot.signal)};
}

}  // namespace podreeve::reconcile
