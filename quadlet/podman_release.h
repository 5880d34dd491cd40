#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace podreeve::quadlet {

// A podman's version, since what Quadlet knows and makes differs by it.
struct PodmanRelease {
    int major = 0;
    int minor = 0;
    int patch = 0;
    friend auto operator<=>(const PodmanRelease&, const PodmanRelease&) = default;
};

// The first release with Quadlet, and the newest one that the tables here were checked against.
inline constexpr PodmanRelease kFirstRelease{4, 4, 0};
inline constexpr PodmanRelease kNewestRelease{5, 8, 6};

// From when on Quadlet does a thing, or does it in another way; keys have theirs in keys.h.
inline constexpr PodmanRelease kUserNetwork{5, 3, 0};          // waits for it by its own service
inline constexpr PodmanRelease kDefaultDependencies{5, 3, 0};  // the section [Quadlet]
inline constexpr PodmanRelease kUnitDependencies{5, 5, 0};     // After=web.container
inline constexpr PodmanRelease kByName{5, 5, 0};               // names, where files held ids before
inline constexpr PodmanRelease kUpheldBy{5, 5, 0};             // in [Install]
inline constexpr PodmanRelease kBareNames{5, 6, 0};            // Environment=NAME, without a value
inline constexpr PodmanRelease kExitPolicy{5, 6, 0};           // of pods
inline constexpr PodmanRelease kBindDevices{5, 6, 0};   // RequiresMountsFor= a volume's device
inline constexpr PodmanRelease kTemplates{5, 7, 0};     // foo@.pod is foo-pod@.service
inline constexpr PodmanRelease kSeveralYamls{5, 7, 0};  // Yaml=a.yaml b.yaml
inline constexpr PodmanRelease kMountWithoutSource{5, 7, 0};
inline constexpr PodmanRelease kEmptyEntrypoint{5, 8, 2};  // clears the image's

// "5.4.2", also with something behind it ("5.8.0-rc1"); nothing for what does not start so.
std::optional<PodmanRelease> parse_release(std::string_view text);
// "5.4", or "5.8.2" where the patch level is not 0.
std::string to_text(const PodmanRelease& release);

}  // namespace podreeve::quadlet
