#include "runtime/podman/types.h"

#include <gtest/gtest.h>

namespace podreeve::podman {
namespace {

TEST(ContainerState, HasAWordForEachAndUnknownForAllOthers) {
    for (int i = 0; i <= static_cast<int>(ContainerState::Stopping); ++i) {
        const auto state = static_cast<ContainerState>(i);
        EXPECT_EQ(container_state_from(to_string(state)), state);
    }
    EXPECT_EQ(container_state_from("hibernating"), ContainerState::Unknown);
    EXPECT_EQ(container_state_from(""), ContainerState::Unknown);
}

TEST(PodStatus, HasAWordForEachAndUnknownForAllOthers) {
    for (int i = 0; i <= static_cast<int>(PodStatus::Error); ++i) {
        const auto status = static_cast<PodStatus>(i);
        EXPECT_EQ(pod_status_from(to_string(status)), status);
    }
    EXPECT_EQ(pod_status_from("running"), PodStatus::Unknown);  // podman writes it large
}

}  // namespace
}  // namespace podreeve::podman
