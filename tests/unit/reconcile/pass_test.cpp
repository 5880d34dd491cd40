#include <fstream>

#include <gtest/gtest.h>

#include "tests/unit/reconcile/pass_host.h"

// What becomes of a pass, and in which order: scan, observe, decide, plan, commit, report.
namespace podreeve::reconcile {
namespace {

using Journal = std::vector<std::string>;

constexpr const char* kGood = R"(app:
  id: web
  name: Web
  version: "1"
  container:
    image: localhost/web:1
)";
constexpr const char* kLists = "^(containers|pods)/json";

struct PassRow {
    const char* name;
    std::string manifest = {};     // of web; empty: there is none
    unsigned lists_that_fail = 0;  // podman's
    bool podman_is_there = true;
    bool ends = false;  // the agent is told to
    std::size_t changes_expected = 0;
    bool converged_expected = false;
    bool cut_expected = false;
    std::string error_expected = {};  // what it holds; empty: there is none
    std::string state_expected = {};  // of web; empty: nobody knows of it
    Journal order_expected = {};
};

const PassRow kPasses[] = {
    {.name = "NothingIsWanted",
     .converged_expected = true,
     .order_expected = {"observe", "decide", "report"}},
    {.name = "AnAppIsWanted",
     .manifest = kGood,
     .changes_expected = 1,
     .state_expected = "Preparing",
     .order_expected = {"observe", "decide", "observe", "report"}},
    {.name = "AManifestIsBroken",
     .manifest = std::string(kGood) + "  colour: red\n",
     .converged_expected = true,
     .state_expected = "Failed",
     .order_expected = {"observe", "decide", "report"}},
    {.name = "PodmanIsAway",
     .manifest = kGood,
     .podman_is_there = false,
     .error_expected = "podman",
     .state_expected = "Unknown",
     .order_expected = {"report"}},
    {.name = "PodmanCannotListWhatThereIs",
     .manifest = kGood,
     .lists_that_fail = 9,
     .error_expected = "broken",
     .state_expected = "Unknown",
     .order_expected = {"observe", "report"}},
    {.name = "TheAgentEnds",
     .manifest = kGood,
     .podman_is_there = false,
     .ends = true,
     .cut_expected = true,
     .error_expected = "cancelled"},
};

class Passes : public PassHost, public ::testing::WithParamInterface<PassRow> {
  protected:
    void SetUp() override {
        const PassRow& row = GetParam();
        std::filesystem::create_directory(directory_ / "apps");
        if (!row.manifest.empty()) {
            std::ofstream(directory_ / "apps" / "web.yaml") << row.manifest;
        }
        if (row.lists_that_fail > 0) {
            podman_.fail_next("GET", kLists, 500, "broken", row.lists_that_fail);
        }
        podman_.refuse(!row.podman_is_there);
        podman_.on_request([this](const auto&) { note("observe"); }, nullptr);
        // Asked for as what is decided upon is put together, and by the report.
        supervisor_->set_readiness([this]() -> supervise::PartReadiness {
            note(journal_.empty() || is_planned_ ? "report" : "decide");
            is_planned_ = true;
            return nullptr;
        });
        if (row.ends) {
            stop_.request_stop();
        }
    }

    // Once for many in a row.
    void note(const std::string& what) {
        if (journal_.empty() || journal_.back() != what) {
            journal_.push_back(what);
        }
    }

    std::stop_source stop_;
    Journal journal_;
    bool is_planned_ = false;
};

TEST_P(Passes, GoOneWay) {
    const PassRow& row = GetParam();
    is_planned_ = !row.error_expected.empty();
    const PassReport report = make_pass(world(), stop_.get_token());
    EXPECT_EQ(report.changes.size(), row.changes_expected);
    EXPECT_EQ(state_->changes().size(), row.changes_expected);
    EXPECT_EQ(report.converged, row.converged_expected);
    EXPECT_EQ(report.cut, row.cut_expected);
    EXPECT_EQ(report.error.empty(), row.error_expected.empty()) << report.error;
    EXPECT_NE(report.error.find(row.error_expected), std::string::npos) << report.error;
    const supervise::AppStatus* web = report.overview.find("web");
    EXPECT_EQ(web == nullptr ? "" : to_string(web->state), row.state_expected);
    EXPECT_EQ(journal_, row.order_expected);
}

TEST_P(Passes, ArePlannedWithoutChangingAnything) {
    const PassRow& row = GetParam();
    const std::uint64_t rows = state_->rows_written();
    const Result<plan::Plan> plan = make_plan(world(), std::nullopt, stop_.get_token());
    EXPECT_EQ(plan.has_value(), row.error_expected.empty());
    EXPECT_EQ(plan && !plan->empty(), row.changes_expected > 0);
    EXPECT_EQ(state_->rows_written(), rows);
    EXPECT_EQ(state_->changes().size(), 0U);
    EXPECT_EQ(state_->last_event_seq(), 0);
}

INSTANTIATE_TEST_SUITE_P(Reconcile, Passes, ::testing::ValuesIn(kPasses), [](const auto& info) {
    return std::string(info.param.name);
});

}  // namespace
}  // namespace podreeve::reconcile
