#include "agent/observe/processes.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/fakes/fake_proc.h"

namespace podreeve::observe {
namespace {

using podman::ContainerState;
using Ids = std::set<std::string>;

constexpr const char* kOwner = "00112233aabbccdd";

std::string id_of(char digit) {
    return std::string(64, digit);
}

// Containers of ours that run, each with a conmon: the pids are 10, 20, … and 11, 21, …
class Watching : public ::testing::Test {
  protected:
    void run(char digit, long pid, const std::string& owner = kOwner) {
        podman::ContainerSummary container;
        container.id = id_of(digit);
        container.name = std::string(1, digit);
        container.state = ContainerState::Running;
        container.pid = pid;
        container.labels = {{kLabelApp, "web"}, {kLabelOwner, owner}};
        observed.containers.push_back(container);
        proc.add_container(pid, container.id);
        proc.add_conmon(pid + 1, container.id);
    }

    Ids look() {
        return watch.lost(observed, kOwner,
                          [this](const std::string& id) -> Result<podman::ContainerDetails> {
                              ++asked;
                              if (silent) {
                                  return fail(Code::Timeout, "no answer");
                              }
                              podman::ContainerDetails details;
                              details.summary = *observed.container_by_id(id);
                              details.conmon_pid = details.summary.pid + 1;
                              return details;
                          });
    }

    fakes::FakeProc proc;
    ProcessWatch watch{proc.path()};
    Observed observed;
    int asked = 0;
    bool silent = false;
};

TEST_F(Watching, WhatRunsIsThereAndPodmanIsAskedNothing) {
    run('a', 10);
    run('b', 20);
    for (int pass = 0; pass < 5; ++pass) {
        EXPECT_EQ(look(), Ids{});
    }
    EXPECT_EQ(asked, 0);
}

TEST_F(Watching, AProcessThatIsGoneWithItsConmonIsLost) {
    run('a', 10);
    run('b', 20);
    look();
    proc.remove(10);
    EXPECT_EQ(look(), Ids{}) << "its conmon is there, and tells podman";
    proc.remove(11);
    EXPECT_EQ(look(), Ids{id_of('a')});
}

TEST_F(Watching, APidThatIsAnotherProcessesByNowIsFoundOut) {
    run('a', 10);
    look();
    proc.add(10, 500, "/user.slice/other.scope", "bash");
    proc.add(11, 501, "/user.slice/other.scope", "bash");
    EXPECT_EQ(look(), Ids{id_of('a')});
}

TEST_F(Watching, OneThatWasLostBeforeTheFirstLookIsFoundBesideOneThatIsThere) {
    run('a', 10);
    proc.remove(10);
    proc.remove(11);
    EXPECT_EQ(look(), Ids{}) << "perhaps podman's processes cannot be seen from here at all";
    run('b', 20);
    EXPECT_EQ(look(), Ids{id_of('a')});
}

TEST_F(Watching, WhatCannotBeToldIsNotLost) {
    run('a', 10);
    run('b', 20);
    look();
    proc.remove(10);
    proc.hide(11);
    EXPECT_EQ(look(), Ids{}) << "whose the pid of the conmon is cannot be read";
    proc.remove(11);
    silent = true;
    EXPECT_EQ(look(), Ids{}) << "podman does not answer";
    silent = false;
    EXPECT_EQ(look(), Ids{id_of('a')});
}

TEST_F(Watching, ThoseOfOthersAreNotLookedAt) {
    run('a', 10);
    run('b', 20, "somebody");
    look();
    proc.remove(20);
    proc.remove(21);
    EXPECT_EQ(look(), Ids{});
    EXPECT_EQ(asked, 0);
}

TEST_F(Watching, ThousandsAreComparedInTurns) {
    for (int i = 0; i < 100; ++i) {
        run('a', 10);
        observed.containers.back().id = fmt::format("{:064x}", i);
        observed.containers.back().pid = 1000 + 10 * i;
        proc.add_container(1000 + 10 * i, observed.containers.back().id);
    }
    look();
    const auto& last = observed.containers.back();
    proc.add(last.pid, 500, "/user.slice/other.scope", "bash");
    Ids lost;
    for (int pass = 0; pass < 4 && lost.empty(); ++pass) {
        lost = look();
    }
    EXPECT_EQ(lost, Ids{last.id});
}

}  // namespace
}  // namespace podreeve::observe
