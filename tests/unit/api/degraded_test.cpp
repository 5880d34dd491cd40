#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "agent/supervise/decide/shutdown_order.h"
#include "tests/unit/api/serving.h"

// An app that is not as its manifest says is told by whoever is asked, whether or not a pass has
// anything to do about it now.
namespace podreeve::api {
namespace {

using supervise::ServiceState;
using testing::Answer;
using testing::Serving;

supervise::AppStatus app(const std::string& name, ServiceState state, const std::string& health) {
    supervise::AppStatus app;
    app.name = name;
    app.state = state;
    app.health = health;
    app.message = "it is so";
    return app;
}

TEST(Degraded, AreToldByAPassAndByADiff) {
    const struct {
        ServiceState state;
        const char* health;
        const char* message;  // "": nothing
    } kRows[] = {
        {ServiceState::Failed, "-", "is Failed: it is so"},
        {ServiceState::CrashLoop, "-", "is CrashLoop: it is so"},
        {ServiceState::Waiting, "-", "is Waiting: it is so"},
        {ServiceState::Unknown, "unknown", "is Unknown: it is so"},
        {ServiceState::Running, "unhealthy", "is unhealthy: it is so"},
        {ServiceState::Running, "healthy", ""},
        {ServiceState::Starting, "starting", ""},
        {ServiceState::Finished, "-", ""},
        {ServiceState::Skipped, "-", ""},
    };

    for (const auto& row : kRows) {
        Serving serving;
        serving.show(app("web", row.state, row.health));
        const std::string what = std::string(to_string(row.state)) + " " + row.health;
        for (const Answer& reply : {serving.post("/v1/reconcile"), serving.get("/v1/diff"),
                                    serving.get("/v1/diff?app=web")}) {
            ASSERT_EQ(reply.body["degraded"].size(), *row.message == 0 ? 0U : 1U) << what;
            if (*row.message != 0) {
                EXPECT_EQ(reply.body["degraded"][0]["app"], "web");
                EXPECT_EQ(reply.body["degraded"][0]["message"], row.message);
            }
        }
        EXPECT_EQ(serving.get("/v1/diff").body["differs"], *row.message != 0) << what;
        EXPECT_TRUE(serving.get("/v1/diff?app=db").body["degraded"].empty()) << what;
    }
}

TEST(Degraded, AreNotToldTwiceByADiff) {
    Serving serving;
    serving.show(app("web", ServiceState::Waiting, "-"));
    plan::Plan plan;
    plan.apps["web"].app = "web";
    plan.apps["web"].conditions.push_back({"Blocked", "Waiting", "waits for db", ""});
    serving.plan = plan;
    EXPECT_TRUE(serving.get("/v1/diff").body["degraded"].empty());
}

TEST(Degraded, NoStartIsPossibleWhileAllIsDownOnRequest) {
    Serving serving;
    supervise::AppStatus down = app("web", ServiceState::Waiting, "-");
    down.down_because = supervise::kHostGoesDown;
    serving.show(down);
    state::AppRecord record;
    record.name = "web";
    ASSERT_TRUE(serving.state->put_app(record));
    for (const char* verb : {"start", "restart"}) {
        const Answer reply = serving.get(std::string("/v1/apps/web/") + verb);
        EXPECT_EQ(reply.status, 409) << verb;
        EXPECT_NE(reply.message().find("podreeve shutdown --undo"), std::string::npos) << verb;
    }
    EXPECT_EQ(serving.get("/v1/apps/web/stop").status, 200);
}

}  // namespace
}  // namespace podreeve::api
