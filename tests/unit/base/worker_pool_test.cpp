#include "runtime/base/worker_pool.h"

#include <chrono>
#include <latch>
#include <memory>
#include <set>
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>

#include "runtime/base/mutex.h"

namespace podreeve {
namespace {

using std::chrono::seconds;

TEST(WorkerPool, RunsEveryJob) {
    Guarded<int> ran(0);
    WorkerPool pool(3);
    for (int i = 0; i < 1000; ++i) {
        pool.submit([&] {
            auto count = ran.lock();
            ++*count;
            count.notify_all();
        });
    }
    auto count = ran.lock();
    EXPECT_TRUE(count.wait_for(seconds(10), [&] { return *count == 1000; }));
}

TEST(WorkerPool, OfOneThreadKeepsTheOrder) {
    Guarded<std::vector<int>> seen;
    WorkerPool pool(1);
    for (int i = 0; i < 100; ++i) {
        pool.submit([&, i] {
            auto list = seen.lock();
            list->push_back(i);
            list.notify_all();
        });
    }
    auto list = seen.lock();
    ASSERT_TRUE(list.wait_for(seconds(10), [&] { return list->size() == 100; }));
    EXPECT_TRUE(std::is_sorted(list->begin(), list->end()));
}

TEST(WorkerPool, RunsAsManyJobsAtOnceAsItHasThreads) {
    std::latch all_here(4);
    Guarded<int> done(0);
    WorkerPool pool(4);
    for (int i = 0; i < 4; ++i) {
        pool.submit([&] {
            all_here.arrive_and_wait();  // passes only when four jobs stand here
            auto count = done.lock();
            ++*count;
            count.notify_all();
        });
    }
    auto count = done.lock();
    EXPECT_TRUE(count.wait_for(seconds(10), [&] { return *count == 4; }));
}

TEST(WorkerPool, FinishesWhatRunsAndDropsWhatWaitsWhenItGoes) {
    std::latch started(1);
    std::latch go_on(1);
    bool first_ended = false;
    Guarded<bool> dropped(false);
    auto pool = std::make_unique<WorkerPool>(1);
    pool->submit([&] {
        started.count_down();
        go_on.wait();
        first_ended = true;
    });
    pool->submit([report = std::shared_ptr<void>(nullptr, [&](void*) {
                      auto reported = dropped.lock();
                      *reported = true;
                      reported.notify_all();
                  })] { FAIL() << "a job that still waited was run"; });
    started.wait();
    std::thread destroyer([&] { pool.reset(); });
    {
        // The waiting job goes before the running one ends.
        auto reported = dropped.lock();
        EXPECT_TRUE(reported.wait_for(seconds(10), [&] { return *reported; }));
    }
    EXPECT_FALSE(first_ended);
    go_on.count_down();
    destroyer.join();
    EXPECT_TRUE(first_ended);
}

TEST(WorkerPool, EndsEvenWhenEachJobSubmitsAnother) {
    std::latch started(1);
    auto pool = std::make_unique<WorkerPool>(2);
    WorkerPool* const raw = pool.get();
    std::once_flag once;
    std::function<void()> again = [&] {
        std::call_once(once, [&] { started.count_down(); });
        raw->submit(again);
    };
    pool->submit(again);
    started.wait();
    pool.reset();
    EXPECT_FALSE(pool);
}

// Submits when it is dropped, as a callback that reports its own cancellation would.
struct SubmitsOnDestruction {
    WorkerPool& pool;
    std::latch& dropped;

    SubmitsOnDestruction(WorkerPool& of, std::latch& reported) : pool(of), dropped(reported) {}

    ~SubmitsOnDestruction() {
        pool.submit([] {});
        dropped.count_down();
    }
};

TEST(WorkerPool, MayBeSubmittedToByWhatADroppedJobHeld) {
    std::latch dropped(1);
    std::latch started(1);
    std::latch go_on(1);
    auto pool = std::make_unique<WorkerPool>(1);
    pool->submit([&] {
        started.count_down();
        go_on.wait();
    });
    started.wait();
    pool->submit([held = std::make_shared<SubmitsOnDestruction>(*pool, dropped)] {});
    std::thread destroyer([&] { pool.reset(); });
    dropped.wait();
    go_on.count_down();
    destroyer.join();
    EXPECT_TRUE(dropped.try_wait());
}

TEST(WorkerPool, OutlivesAJobThatThrows) {
    Guarded<int> ran(0);
    WorkerPool pool(1);
    pool.submit([] { throw std::runtime_error("from a job"); });
    pool.submit([] { throw 7; });
    pool.submit([&] {
        auto count = ran.lock();
        ++*count;
        count.notify_all();
    });
    auto count = ran.lock();
    EXPECT_TRUE(count.wait_for(seconds(10), [&] { return *count == 1; }));
}

TEST(WorkerPool, HasNoMoreThreadsThanItHasWork) {
    std::latch go_on(1);
    WorkerPool pool(8, {.kept = 1});
    EXPECT_EQ(pool.threads(), 1U);
    for (int i = 0; i < 3; ++i) {
        pool.submit([&] { go_on.wait(); });
    }
    EXPECT_LE(pool.threads(), 4U);
    EXPECT_GE(pool.threads(), 3U);
    go_on.count_down();
}

TEST(WorkerPool, IsAtRestWhenNoJobRunsOrWaits) {
    std::latch begun(1), go_on(1);
    WorkerPool pool(1, {.kept = 0, .longest = std::chrono::hours(1)});
    EXPECT_TRUE(pool.at_rest());
    pool.submit([&] {
        begun.count_down();
        go_on.wait();
    });
    EXPECT_FALSE(pool.at_rest());
    begun.wait();
    EXPECT_FALSE(pool.at_rest());
    go_on.count_down();
    while (!pool.at_rest()) {
        std::this_thread::yield();
    }
    EXPECT_EQ(pool.threads(), 1U);
}

TEST(WorkerPool, EndsTheThreadsThatHaveHadNothingToDoForAWhile) {
    for (const unsigned kept : {0U, 1U}) {
        std::latch all_here(4);
        Guarded<int> ran(0);
        const auto count_up = [&] {
            auto count = ran.lock();
            ++*count;
            count.notify_all();
        };
        WorkerPool pool(4, {.kept = kept, .longest = std::chrono::milliseconds(1)});
        for (int i = 0; i < 4; ++i) {
            pool.submit([&] {
                all_here.arrive_and_wait();
                count_up();
            });
        }
        while (pool.threads() > kept) {
            std::this_thread::yield();
        }
        for (int i = 0; i < 100; ++i) {
            pool.submit(count_up);
        }
        auto count = ran.lock();
        EXPECT_TRUE(count.wait_for(seconds(10), [&] { return *count == 104; }));
    }
}

TEST(WorkerPool, WithNothingToDoEndsAtOnce) {
    const WorkerPool none(0);
    const WorkerPool idle(8);
}

TEST(Guarded, LetsOneThreadInAtATime) {
    Guarded<long> value(0);
    {
        std::vector<std::jthread> threads;
        for (int t = 0; t < 4; ++t) {
            threads.emplace_back([&] {
                for (int i = 0; i < 10'000; ++i) {
                    ++*value.lock();
                }
            });
        }
    }
    EXPECT_EQ(*value.lock(), 40'000);
}

TEST(Guarded, GivesUpWaitingWhenTheTimeIsOver) {
    Guarded<bool> value(false);
    auto locked = value.lock();
    EXPECT_FALSE(locked.wait_for(std::chrono::milliseconds(1), [&] { return *locked; }));
}

TEST(Guarded, WakesAWaiterThatWasTold) {
    Guarded<std::string> value;
    std::jthread teller([&] {
        auto locked = value.lock();
        *locked = "told";
        locked.notify_all();
    });
    auto locked = value.lock();
    locked.wait([&] { return !locked->empty(); });
    EXPECT_EQ(*locked, "told");
}

}  // namespace
}  // namespace podreeve
