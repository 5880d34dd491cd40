// Commands in running containers. Trap -> test:
//   a session that nobody removes stays, with its conmon, for five minutes ....
//   ASessionCanBeRemoved before 5.0 it cannot be removed
//   ........................................... ASessionCanBeRemoved a command that is not there is
//   no error, its exit code tells .............. ACommandThatIsNotThereEndsWith127 a container that
//   does not run is 500, not 409 ............................. ACommandNeedsARunningContainer a
//   caller that goes away leaves the command running ........................
//   ACommandOutlivesItsCaller
#include <algorithm>

#include "tests/contract/subject.h"

namespace podreeve::contract {
namespace {

using Lines = std::vector<std::pair<int, std::string>>;

class Exec : public Contract {
  protected:
    std::string create(const std::string& who, const Names& command) {
        const auto session = client_->create_exec(who, command, call());
        EXPECT_TRUE(session) << session.error().message;
        return session.value_or("none");
    }

    Status run(const std::string& session, Duration patience = std::chrono::seconds(30)) {
        return client_->start_exec(
            session,
            [this](int stream, std::string_view line) { lines_.emplace_back(stream, line); },
            call(patience));
    }

    Lines lines_;
};

TEST_F(Exec, ACommandEndsWithItsOutputAndItsCode) {
    start("contract-exec", stubborn());
    const std::string session =
        create("contract-exec", {"sh", "-c", "echo out; echo err >&2; exit 3"});
    EXPECT_OK(run(session));
    std::sort(lines_.begin(), lines_.end());
    EXPECT_EQ(lines_, (Lines{{1, "out"}, {2, "err"}}));
    const auto found = client_->inspect_exec(session, call());
    ASSERT_OK(found);
    EXPECT_FALSE(found->running);
    EXPECT_EQ(found->exit_code, 3);
    EXPECT_EQ(found->pid, 0);
}

TEST_F(Exec, ACommandThatIsNotThereEndsWith127) {
    start("contract-exec", stubborn());
    const std::string session = create("contract-exec", {"nonexistent"});
    EXPECT_OK(run(session));
    const auto found = client_->inspect_exec(session, call());
    ASSERT_OK(found);
    EXPECT_EQ(found->exit_code, 127);
}

TEST_F(Exec, ACommandNeedsARunningContainer) {
    make("contract-exec", stubborn());
    EXPECT_FAILS(Conflict, client_->create_exec("contract-exec", {"true"}, call()));
    EXPECT_FAILS(NotFound, client_->create_exec("contract-nobody", {"true"}, call()));
}

TEST_F(Exec, ACommandOutlivesItsCaller) {
    start("contract-exec", stubborn());
    const std::string session = create("contract-exec", stubborn());
    EXPECT_FAILS(Timeout, run(session, std::chrono::seconds(1)));
    EXPECT_TRUE(eventually([&] {
        const auto found = client_->inspect_exec(session, call());
        return found && found->running && found->pid > 0;
    }));
}

TEST_F(Exec, ASessionCanBeRemoved) {
    start("contract-exec", stubborn());
    for (const Names& command : {Names{"true"}, stubborn()}) {
        const std::string session = create("contract-exec", command);
        const bool ends = command == Names{"true"};
        const auto ended = run(session, std::chrono::seconds(ends ? 30 : 1));
        EXPECT_EQ(ended.has_value(), ends);
        EXPECT_TRUE(eventually([&] {
            const auto begun = client_->inspect_exec(session, call());
            return begun && begun->running != ends;
        }));
        const auto removed = client_->remove_exec(session, call());
        ASSERT_OK(removed);
        EXPECT_EQ(*removed, at_least(5, 0));
        const auto found = client_->inspect_exec(session, call());
        EXPECT_EQ(found.has_value(), !at_least(5, 0));
        if (*removed) {
            EXPECT_EQ(client_->remove_exec(session, call()), true) << "absent is fine";
        }
    }
}

}  // namespace
}  // namespace podreeve::contract
