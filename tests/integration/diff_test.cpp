#include <gtest/gtest.h>

#include "runtime/http/client.h"
#include "tests/integration/harness.h"
#include "tests/integration/manifest_texts.h"

// Who asks what a pass would do changes nothing by it.
namespace podreeve::integration {
namespace {

using std::chrono::milliseconds;

constexpr int kSteps = 25;
constexpr int kDiffsAStep = 40;
constexpr int kLoops = 7;  // more crash loops than may be restarted at once

// Apps that keep ending, and one that is killed now and then.
class AskedForDiffs : public ::testing::Test {
  protected:
    static std::string name_of(int loop) { return "loop" + std::to_string(loop); }

    static void begin(Host& host) {
        host.podman->add_image("localhost/crash:1");
        host.podman->set_program("localhost/crash:1", program_that_exits(3));
        host.write("good.yaml", to_text(SingleApp{.id = "good"}));
        for (int loop = 0; loop < kLoops; ++loop) {
            host.write(name_of(loop) + ".yaml",
                       to_text(SingleApp{.id = name_of(loop), .image = "localhost/crash:1"}));
        }
        host.start();
        ASSERT_TRUE(host.agent->serve());
    }

    // Beside deaths that no pass has seen yet.
    static void ask(Host& host, int diffs) {
        const std::uint64_t rows = host.agent->state().rows_written();
        const std::int64_t events = host.agent->state().last_event_seq();
        const auto next = host.agent->supervisor().next_decision();
        http::HttpClient client(host.config.paths.api_socket.string(), 1);
        for (int i = 0; i < diffs; ++i) {
            http::Request request{.method = "GET", .target = "/v1/diff"};
            const auto response = client.call(request);
            ASSERT_TRUE(response && response->status == 200);
        }
        EXPECT_EQ(host.agent->state().rows_written(), rows);
        EXPECT_EQ(host.agent->state().last_event_seq(), events);
        EXPECT_EQ(host.agent->supervisor().next_decision(), next);
    }

    // How often each had been started, step by step.
    static std::vector<std::size_t> starts_while_asked(int diffs) {
        Host host;
        begin(host);
        std::vector<std::size_t> starts;
        for (int step = 0; step < kSteps; ++step) {
            if (step % 4 == 0) {
                host.podman->kill_process("good");
            }
            ask(host, diffs);
            host.advance(milliseconds(250));
            starts.push_back(host.starts_of("good"));
            for (int loop = 0; loop < kLoops; ++loop) {
                starts.push_back(host.starts_of(name_of(loop)));
            }
        }
        return starts;
    }
};

TEST_F(AskedForDiffs, AThousandDiffsBesideCrashLoopsChangeNothing) {
    const std::vector<std::size_t> unasked = starts_while_asked(0);
    EXPECT_EQ(starts_while_asked(kDiffsAStep), unasked);
}

}  // namespace
}  // namespace podreeve::integration
