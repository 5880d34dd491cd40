#include "tests/contract/systemd/subject.h"

// What systemd does with the units that Quadlet generates, as podreeve relies on it.
namespace podreeve::contract {
namespace {

using systemd::UnitState;
using systemd::UnitTable;

constexpr const char* kFile = "contract-web.container";
constexpr const char* kUnit = "contract-web.service";
constexpr const char* kText =
    "[Container]\nImage=localhost/busybox:latest\nExec=sh -c 'trap exit TERM; sleep 1000 & wait'\n";

class Quadlets : public SystemdContract {
  protected:
    void reload() {
        const Status reloaded = control_->daemon_reload(kPatience);
        EXPECT_TRUE(reloaded) << reloaded.error().message;
    }

    WallTime loaded_at() {
        const auto table = watch_->look(kPatience);
        EXPECT_TRUE(table) << table.error().message;
        return table ? table->loaded_at : WallTime{};
    }

    bool needs_reload() {
        const auto state = control_->state(kUnit, kPatience);
        EXPECT_TRUE(state) << state.error().message;
        return state && state->needs_reload;
    }

    // Until the file system's clock tells the two apart.
    bool edit_until(const std::function<bool()>& holds) {
        for (int i = 0; i < 50 && !holds(); ++i) {
            write_quadlet(kFile, std::string(kText) + "# edited\n");
        }
        return holds();
    }
};

TEST_F(Quadlets, AreUnitsAfterTheNextReload) {
    watch_->watch({kUnit});
    EXPECT_EQ(look_at(kUnit).load_state, "not-found");
    const WallTime before = loaded_at();
    const WallTime written = SystemClock().system_now();
    write_quadlet(kFile, kText);
    EXPECT_EQ(look_at(kUnit).load_state, "not-found");
    EXPECT_EQ(loaded_at(), before);
    reload();
    const UnitState made = look_at(kUnit);
    EXPECT_EQ(made.load_state, "loaded");
    EXPECT_EQ(made.active_state, "inactive");
    EXPECT_EQ(made.file_state, "generated");
    EXPECT_EQ(made.source_path.filename(), kFile);
    EXPECT_EQ(made.fragment_path.filename(), kUnit);
    EXPECT_GT(loaded_at(), written);
    EXPECT_FALSE(needs_reload());
}

TEST_F(Quadlets, NeedAReloadWhenTheirFileIsAnother) {
    write_quadlet(kFile, kText);
    reload();
    expect_done(control_->start(kUnit, kPatience));
    EXPECT_FALSE(needs_reload());
    EXPECT_TRUE(edit_until([this] { return needs_reload(); }));
    reload();
    EXPECT_FALSE(needs_reload());
    remove_quadlet(kFile);
    EXPECT_TRUE(needs_reload());
    expect_done(control_->stop(kUnit, kPatience));
}

// Why the watch looks at the files itself.
TEST_F(Quadlets, AreNotKnownToBeEditedWhileTheyAreNotInUse) {
    write_quadlet(kFile, kText);
    reload();
    EXPECT_FALSE(edit_until([this] { return needs_reload(); }));
    remove_quadlet(kFile);
    EXPECT_TRUE(needs_reload());
}

TEST_F(Quadlets, AreGoneAfterTheReloadThatMissesTheirFile) {
    write_quadlet(kFile, kText);
    reload();
    watch_->watch({kUnit});
    EXPECT_EQ(look_at(kUnit).load_state, "loaded");
    remove_quadlet(kFile);
    reload();
    EXPECT_EQ(look_at(kUnit).load_state, "not-found");
    EXPECT_EQ(look_at(kUnit).active_state, "inactive");
}

TEST_F(Quadlets, RunOnWithoutTheirFileUntilTheyAreStopped) {
    write_quadlet(kFile, kText);
    reload();
    watch_->watch({kUnit});
    expect_done(control_->start(kUnit, kPatience));
    EXPECT_EQ(look_at(kUnit).active_state, "active");
    remove_quadlet(kFile);
    reload();
    const UnitState lingering = look_at(kUnit);
    EXPECT_EQ(lingering.load_state, "not-found");
    EXPECT_EQ(lingering.active_state, "active");
    expect_done(control_->stop(kUnit, kPatience));
    EXPECT_TRUE(eventually(kUnit, [](const UnitState& state) { return !state.is_active(); }));
}

TEST_F(Quadlets, AreDroppedInSilenceWhenTheGeneratorRefusesThem) {
    write_quadlet(kFile, "[Nothing]\nImage=a\n");
    reload();
    watch_->watch({kUnit});
    EXPECT_EQ(look_at(kUnit).load_state, "not-found");
}

// Why each app's units are to lie in a directory of their own.
TEST_F(Quadlets, AreGoneWhenAFileBesideThemCannotBeParsed) {
    write_quadlet(kFile, kText);
    reload();
    watch_->watch({kUnit});
    EXPECT_EQ(look_at(kUnit).load_state, "loaded");
    write_quadlet("contract-other.container", "garbage\n");
    reload();
    EXPECT_EQ(look_at(kUnit).load_state, "not-found");
}

}  // namespace
}  // namespace podreeve::contract
