#include "runtime/process/identity.h"

#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/fakes/fake_proc.h"

namespace podreeve::process {
namespace {

const std::string kId(64, 'a');

TEST(Identity, OfThisVeryProcessIsThereAndTheSame) {
    const auto self = identify(::getpid());
    ASSERT_TRUE(self);
    EXPECT_FALSE(self->boot_id.empty());
    EXPECT_EQ(look_for(*self), Presence::There);
    EXPECT_EQ(belongs_to(::getpid(), kId), Presence::Gone);
}

TEST(Identity, IsNotTheNextOneWithThatPid) {
    fakes::FakeProc proc;
    proc.add_container(7, kId, 100);
    const auto process = identify(7, proc.path());
    ASSERT_TRUE(process);
    EXPECT_EQ(look_for(*process, proc.path()), Presence::There);
    proc.add_container(7, kId, 101);
    EXPECT_EQ(look_for(*process, proc.path()), Presence::Gone);
    proc.remove(7);
    EXPECT_EQ(look_for(*process, proc.path()), Presence::Gone);
    EXPECT_EQ(identify(7, proc.path()).error().code, Code::NotFound);
}

TEST(Identity, IsNotTheOneOfAnotherBoot) {
    fakes::FakeProc proc;
    proc.add_container(7, kId, 100);
    const auto process = identify(7, proc.path());
    ASSERT_TRUE(process);
    proc.reboot("another-boot");
    EXPECT_EQ(look_for(*process, proc.path()), Presence::Gone);
}

TEST(Identity, ThatCannotBeReadIsNotGone) {
    fakes::FakeProc proc;
    proc.add_container(7, kId);
    const auto process = identify(7, proc.path());
    ASSERT_TRUE(process);
    proc.hide(7);
    EXPECT_EQ(look_for(*process, proc.path()), Presence::Unknown);
    EXPECT_EQ(belongs_to(7, kId, proc.path()), Presence::Unknown);
    EXPECT_EQ(look_for(*process, "/nowhere"), Presence::Unknown) << "there is no /proc at all";
}

TEST(Identity, OfAContainersProcessIsToldByItsCgroupAndItsConmonByItsArguments) {
    fakes::FakeProc proc;
    proc.add_container(7, kId);
    proc.add_conmon(6, kId);
    proc.add(5, 100, "/user.slice/libpod-" + std::string(64, 'b') + ".scope", "sleep");
    EXPECT_EQ(belongs_to(7, kId, proc.path()), Presence::There);
    EXPECT_EQ(belongs_to(6, kId, proc.path()), Presence::There);
    EXPECT_EQ(belongs_to(5, kId, proc.path()), Presence::Gone);
    EXPECT_EQ(belongs_to(4, kId, proc.path()), Presence::Gone);
    EXPECT_EQ(belongs_to(0, kId, proc.path()), Presence::Unknown);
}

}  // namespace
}  // namespace podreeve::process
