#include "runtime/systemd/unit_state.h"

#include <functional>

#include <gtest/gtest.h>

namespace podreeve::systemd {
namespace {

TEST(UnitName, IsToldFromWhatIsNone) {
    const std::string longest(255 - 8, 'a');
    const std::pair<std::string, bool> rows[] = {
        {"web.service", true},
        {"data.mount", true},
        {"dev-disk-by\\x2duuid-1.device", true},
        {"podreeve-kube@home-x.service", true},
        {"a:b_c-d.socket", true},
        {longest + ".service", true},
        {longest + "a.service", false},
        {"", false},
        {"web", false},
        {".service", false},
        {"web.container", false},
        {"web@.service", false},
        {"@web.service", false},
        {"we b.service", false},
        {"we*b.service", false},
        {"we/b.service", false},
        {"wéb.service", false},
    };
    for (const auto& [name, is_one] : rows) {
        EXPECT_EQ(is_unit_name(name), is_one) << name;
    }
}

UnitState running() {
    UnitState state;
    state.id = "web.service";
    state.load_state = "loaded";
    state.active_state = "active";
    state.sub_state = "running";
    state.result = "success";
    return state;
}

TEST(UnitHint, IsAChangeThatAPassCouldActOn) {
    using Change = std::function<void(UnitState&)>;
    const auto moved = [](const char* active, const char* sub) {
        return [=](UnitState& state) {
            state.active_state = active;
            state.sub_state = sub;
        };
    };
    const std::pair<Change, bool> rows[] = {
        {[](UnitState&) {}, false},
        {moved("failed", "failed"), true},
        {moved("inactive", "dead"), true},
        {moved("active", "exited"), true},
        {moved("activating", "auto-restart"), true},
        {moved("activating", "start-pre"), false},
        {moved("deactivating", "stop-sigterm"), false},
        {moved("reloading", "reload"), false},
        {[](UnitState& state) { state.load_state = "masked"; }, true},
        {[](UnitState& state) { state.needs_reload = true; }, true},
        {[](UnitState& state) { state.file_state = "masked"; }, true},
        {[](UnitState& state) { state.invocation = "2"; }, true},
        {[](UnitState& state) { state.has_job = true; }, false},
        {[](UnitState& state) { state.result = "signal"; }, false},
        {[](UnitState& state) { state.main_pid = 1; }, false},
    };
    int row = 0;
    for (const auto& [change, is_one] : rows) {
        UnitState after = running();
        change(after);
        EXPECT_EQ(is_hint(running(), after), is_one) << "row " << row;
        ++row;
    }
}

TEST(UnitTable, FindsByTheNameThatWasAskedFor) {
    UnitTable table;
    table.units["alias.service"] = running();
    ASSERT_NE(table.find("alias.service"), nullptr);
    EXPECT_EQ(table.find("alias.service")->id, "web.service");
    EXPECT_EQ(table.find("web.service"), nullptr);
}

}  // namespace
}  // namespace podreeve::systemd
