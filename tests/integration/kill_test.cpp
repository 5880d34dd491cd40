#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/integration/harness.h"
#include "tests/integration/manifest_texts.h"

// Kill the agent at each of podman's requests, start another on what is left: the end is that of an
// unbroken run.
namespace podreeve::integration {
namespace {

using Act = std::function<void(Host&)>;

struct Case {
    std::string podman_version;
    Act prepare;  // and settle
    Act act;      // until rest, or until the agent is dead
};

struct Unbroken {
    std::string end;
    std::vector<fakes::FakePodman::Entry> requests;
};

Unbroken unbroken(const Case& scenario) {
    Host host(scenario.podman_version);
    scenario.prepare(host);
    host.podman->clear_journal();
    scenario.act(host);
    Unbroken run{"", host.podman->journal()};
    host.advance(std::chrono::minutes(1));  // as the others get, in which what runs becomes ready
    host.converge();
    host.pass();
    run.end = host.snapshot();
    return run;
}

void expect_same_end(const Case& scenario,
                     std::size_t request,
                     Host::Moment moment,
                     const std::string& wanted) {
    SCOPED_TRACE("killed at request " + std::to_string(request) +
                 (moment == Host::Moment::BeforeWork ? " before its work" : " before its reply"));
    Host host(scenario.podman_version);
    scenario.prepare(host);
    host.kill_at(request, moment);
    scenario.act(host);
    host.revive();
    // Time for what has to be tried again.
    host.advance(std::chrono::minutes(1));
    host.converge();
    host.pass();
    EXPECT_EQ(host.snapshot(), wanted);
}

// A kill before a reply differs from one before the next request only where something was done.
void sweep(const Case& scenario) {
    const Unbroken run = unbroken(scenario);
    ASSERT_GT(run.requests.size(), 5U);
    for (std::size_t i = 1; i <= run.requests.size() && !::testing::Test::HasFailure(); ++i) {
        ASSERT_NO_THROW(expect_same_end(scenario, i, Host::Moment::BeforeWork, run.end)) << i;
        if (run.requests[i - 1].method != "GET") {
            ASSERT_NO_THROW(expect_same_end(scenario, i, Host::Moment::BeforeReply, run.end)) << i;
        }
    }
}

void nothing_there(Host& host) {
    host.start();
}

void all_there(Host& host) {
    host.podman->add_image("localhost/web:2");
    host.write("shop.yaml", to_text(ShopApp{}));
    host.write("clock.yaml", to_text(SingleApp{.port = 28090}));
    host.start();
    host.advance(std::chrono::seconds(15));
}

TEST(Killed, WhileItDeploysAContainer) {
    sweep({"5.4.2", nothing_there, [](Host& host) {
               host.write("clock.yaml", to_text(SingleApp{.port = 28090}));
               host.pass();
           }});
}

TEST(Killed, WhileItDeploysPods) {
    sweep({"5.4.2", nothing_there, [](Host& host) {
               host.write("shop.yaml", to_text(ShopApp{}));
               host.pass();
           }});
}

TEST(Killed, WhileItDeploysPodsOnThePodmanThatCannotHoldTheLink) {
    sweep({"4.3.1", nothing_there, [](Host& host) {
               host.write("shop.yaml", to_text(ShopApp{}));
               host.pass();
           }});
}

TEST(Killed, WhileItUpdatesAContainer) {
    sweep({"5.4.2", all_there, [](Host& host) {
               host.write("clock.yaml",
                          to_text(SingleApp{.image = "localhost/web:2", .port = 28090}));
               host.pass();
           }});
}

TEST(Killed, WhileItUpdatesAContainerOfAPod) {
    sweep({"5.4.2", all_there, [](Host& host) {
               host.write("shop.yaml", to_text(ShopApp{.web_image = "localhost/web:2"}));
               host.pass();
           }});
}

TEST(Killed, WhileItReplacesAPod) {
    sweep({"5.4.2", all_there, [](Host& host) {
               host.write("shop.yaml", to_text(ShopApp{.port = 28081}));
               host.pass();
           }});
}

TEST(Killed, WhileItRemovesApps) {
    sweep({"5.4.2", all_there, [](Host& host) {
               host.erase("shop.yaml");
               host.erase("clock.yaml");
               host.pass();
           }});
}

TEST(Killed, WhileItRepairs) {
    sweep({"5.4.2", all_there, [](Host& host) {
               host.podman->remove_behind_back("clock");
               host.podman->remove_behind_back("shop-db");
               host.podman->kill_process("shop-web-web");
               host.pass();
           }});
}

TEST(Killed, WhileItTakesAFailedUpdateBack) {
    sweep({"5.4.2",
           [](Host& host) {
               host.podman->add_image("localhost/broken:1");
               host.podman->set_program("localhost/broken:1",
                                        program_that_cannot_start("crun: no"));
               all_there(host);
           },
           [](Host& host) {
               host.write("shop.yaml", to_text(ShopApp{.web_image = "localhost/broken:1"}));
               host.pass();
           }});
}

}  // namespace
}  // namespace podreeve::integration
