#include <gtest/gtest.h>

#include "agent/reconcile/podman_watch.h"

namespace podreeve::reconcile {
namespace {

struct Row {
    const char* type;
    const char* action;
    bool hint;
};

podman::PodmanEvent event_of(const Row& row) {
    podman::PodmanEvent event;
    event.type = row.type;
    event.action = row.action;
    return event;
}

TEST(Hints, ThatAProcessOfOursHasDiedAreToldApart) {
    const std::string owner = "0011223344556677";
    podman::PodmanEvent event = event_of({"container", "died", true});
    EXPECT_FALSE(is_death_of_ours(event, owner)) << "of nobody known";
    event.attributes["io.podreeve.owner"] = "somebody";
    EXPECT_FALSE(is_death_of_ours(event, owner))
        << "of another podreeve, or of an image made of ours";
    event.attributes["io.podreeve.owner"] = owner;
    EXPECT_TRUE(is_death_of_ours(event, owner));
    event.action = "stop";
    EXPECT_FALSE(is_death_of_ours(event, owner));
    event.action = "died";
    event.type = "pod";
    EXPECT_FALSE(is_death_of_ours(event, owner));
}

TEST(Hints, AreWhatCouldGiveAPassSomethingToDo) {
    for (const Row& row : {
             Row{"container", "died", true},
             Row{"container", "remove", true},
             Row{podman::kUnreadableEvent, "", true},
             Row{"container", "stop", true},
             Row{"container", "kill", true},
             Row{"container", "pause", true},
             Row{"container", "unpause", true},
             Row{"container", "rename", true},
             Row{"container", "cleanup", true},
             Row{"pod", "remove", true},
             Row{"pod", "stop", true},
             Row{"pod", "kill", true},
             Row{"volume", "remove", true},
             Row{"network", "remove", true},
         }) {
        EXPECT_TRUE(is_hint(event_of(row))) << row.type << ' ' << row.action;
    }
}

TEST(Hints, AreNotWhatTheAgentItselfDoesOrWhatChangesNothing) {
    for (const Row& row : {
             Row{"container", "create", false},
             Row{"container", "init", false},
             Row{"container", "start", false},
             Row{"container", "attach", false},
             Row{"container", "exec", false},
             Row{"container", "health_status", false},
             Row{"pod", "create", false},
             Row{"pod", "start", false},
             Row{"volume", "create", false},
             Row{"volume", "mount", false},
             Row{"network", "create", false},
             Row{"network", "connect", false},
             Row{"image", "remove", false},
             Row{"image", "pull", false},
             Row{"system", "refresh", false},
             Row{"secret", "remove", false},
             Row{"", "", false},
         }) {
        EXPECT_FALSE(is_hint(event_of(row))) << row.type << ' ' << row.action;
    }
}

}  // namespace
}  // namespace podreeve::reconcile
