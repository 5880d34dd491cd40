#include <algorithm>
#include <random>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/integration/harness.h"
#include "tests/integration/manifest_texts.h"

// Random graphs of apps with random failures, kills and requests: nothing starts before what it
// depends on runs, nothing is stopped before what needs it and goes down too, and it always ends.
namespace podreeve::integration {
namespace {

using std::chrono::seconds;
using supervise::Verb;
using Names = std::set<std::string>;

constexpr unsigned kSeeds = 200, kSeedsATest = 10;
constexpr int kActs = 6;

struct Graph {
    std::map<std::string, Names> needs;  // app -> what it depends on, running
    Names wanted_down;
    Names killed;  // their deaths are not the agent's doing
};

Names dependents_of(const Graph& graph, const std::string& root) {
    Names all{root};
    for (bool grown = true; grown;) {
        grown = false;
        for (const auto& [app, needs] : graph.needs) {
            const bool any = std::any_of(needs.begin(), needs.end(),
                                         [&](const std::string& on) { return all.contains(on); });
            grown = (any && all.insert(app).second) || grown;
        }
    }
    return all;
}

// Goes through podman's events once and holds each start and each stop against the graph.
class Witness {
  public:
    void look(const Host& host, const Graph& graph) {
        for (const std::string& life : host.lives(seen_)) {
            const std::size_t blank = life.find(' ');
            evaluate(life.substr(0, blank), life.substr(blank + 1), graph);
        }
        seen_ = host.podman->events().size();
    }

    const Names& running() const { return running_; }

  private:
    void evaluate(const std::string& action, const std::string& app, const Graph& graph) {
        const auto known = graph.needs.find(app);
        if (known == graph.needs.end()) {
            return;
        }
        if (action == "start") {
            for (const std::string& on : known->second) {
                EXPECT_TRUE(running_.contains(on)) << app << " was started without " << on;
            }
            EXPECT_FALSE(graph.wanted_down.contains(app)) << app << " is wanted down";
            running_.insert(app);
            return;
        }
        running_.erase(app);
        if (!graph.wanted_down.contains(app) || graph.killed.contains(app)) {
            return;
        }
        for (const auto& [other, needs] : graph.needs) {
            EXPECT_FALSE(needs.contains(app) && running_.contains(other) &&
                         graph.wanted_down.contains(other))
                << app << " was stopped before " << other;
        }
    }

    std::size_t seen_ = 0;
    Names running_;
};

class Play {
  public:
    explicit Play(unsigned seed) : random_(seed) {}

    void run() {
        set_up();
        host_.start();
        witness_.look(host_, graph_);
        for (int i = 0; i < kActs && !::testing::Test::HasFailure(); ++i) {
            act();
            host_.pass();
            host_.advance(seconds(pick(15)));
            witness_.look(host_, graph_);
            graph_.killed.clear();
        }
        end();
    }

  private:
    unsigned pick(unsigned below) {
        return std::uniform_int_distribution<unsigned>(0, below - 1)(random_);
    }

    std::string app(unsigned number) const { return fmt::format("a{}", number); }

    void set_up() {
        host_.podman->add_image("localhost/deaf:1");
        host_.podman->add_image("localhost/crash:1");
        host_.podman->set_program("localhost/crash:1", program_that_exits(3));
        count_ = 3 + pick(5);
        for (unsigned i = 0; i < count_; ++i) {
            std::string list;
            for (unsigned on = 0; on < i; ++on) {
                if (pick(3) == 0) {
                    list += fmt::format("{}{{app: {}, is: {}}}", list.empty() ? "" : ", ", app(on),
                                        pick(2) == 0 ? "started" : "healthy");
                    graph_.needs[app(i)].insert(app(on));
                }
            }
            graph_.needs[app(i)];
            const unsigned kind = pick(8);
            SingleApp text{.id = app(i)};
            text.image = kind == 0   ? "localhost/crash:1"
                         : kind == 1 ? "localhost/absent:1"
                                     : "localhost/busybox:latest";
            text.command =
                kind < 5 ? "[serve]" : "[\"sh\", \"-c\", \"trap 'exit 0' TERM; sleep 1000\"]";
            text.more = list.empty() ? "" : "  depends_on: [" + list + "]\n";
            host_.write(app(i) + ".yaml", to_text(text));
        }
    }

    void act() {
        const std::string name = app(pick(count_));
        switch (pick(8)) {
            case 0:
            case 1:
                graph_.killed.insert(name);
                host_.podman->kill_process(name);
                break;
            case 2:
                graph_.killed.insert(name);
                host_.podman->remove_behind_back(name);
                break;
            case 3:
                stopped_.insert(name);
                request(name, Verb::Stop);
                break;
            case 4:
                stopped_.erase(name);
                request(name, Verb::Start);
                break;
            case 5:
                // Nothing is wanted down for longer than it takes; its order is that of no other.
                stopped_.erase(name);
                request(name, Verb::Restart);
                break;
            case 6:
                host_.stop();
                host_.start();
                break;
            case 7:
                if (pick(2) == 0) {
                    host_.podman->fail_next("POST", "start", 500, "the runtime failed");
                }
                break;
        }
    }

    void request(const std::string& name, Verb verb) {
        if (!host_.agent->supervisor().request(name, {verb})) {
            ADD_FAILURE() << "no wish for " << name;
        }
        graph_.wanted_down.clear();
        for (const std::string& stopped : stopped_) {
            graph_.wanted_down.merge(dependents_of(graph_, stopped));
        }
    }

    // All down, in order; then nothing runs.
    void end() {
        for (const auto& [name, needs] : graph_.needs) {
            graph_.wanted_down.insert(name);
        }
        host_.agent->supervisor().shut_down(true);
        host_.pass();
        host_.advance(seconds(30));
        witness_.look(host_, graph_);
        EXPECT_TRUE(witness_.running().empty())
            << fmt::format("{}", fmt::join(witness_.running(), " ")) << " still run";
    }

    std::mt19937 random_;
    Host host_;
    Graph graph_;
    Witness witness_;
    Names stopped_;
    unsigned count_ = 0;
};

class Graphs : public ::testing::TestWithParam<unsigned> {};

TEST_P(Graphs, KeepTheirOrderWhateverHappensAndAlwaysEnd) {
    const unsigned first = GetParam() * kSeedsATest + 1;
    for (unsigned seed = first; seed < first + kSeedsATest && !HasFailure(); ++seed) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        ASSERT_NO_THROW(Play(seed).run());
    }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Graphs, ::testing::Range(0U, kSeeds / kSeedsATest));

}  // namespace
}  // namespace podreeve::integration
