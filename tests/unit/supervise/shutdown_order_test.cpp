#include "agent/supervise/decide/shutdown_order.h"

#include <gtest/gtest.h>

namespace podreeve::supervise {
namespace {

using manifests::DependencyKind;
using manifests::LossPolicy;
using Names = std::set<std::string>;
using Levels = std::vector<std::vector<std::string>>;

// "web>api api>db" : who depends on whom, all of them running.
DownTable graph(const std::string& text, LossPolicy policy = LossPolicy::Stay) {
    DownTable table;
    std::string word;
    for (const char c : text + " ") {
        if (c != ' ') {
            word += c;
            continue;
        }
        const std::size_t arrow = word.find('>');
        const std::string name = word.substr(0, arrow);
        table[name].runs = true;
        table[name].first_start = table[name].last_start = 100;
        if (arrow != std::string::npos) {
            const std::string on = word.substr(arrow + 1);
            table[on].runs = true;
            table[on].first_start = table[on].last_start = 100;
            table[name].depends_on.push_back({on, DependencyKind::Started, {}, policy});
        }
        word.clear();
    }
    return table;
}

Names names_of(const std::map<std::string, std::string>& down) {
    Names names;
    for (const auto& [name, why] : down) {
        names.insert(name);
    }
    return names;
}

// Stops what may be stopped, again and again, as passes do: the order that comes of it.
Levels carry_out(DownTable table) {
    Levels levels;
    while (true) {
        const Names down = names_of(going_down(table));
        const auto waits = stops_that_wait(table, down);
        std::vector<std::string> level;
        for (const std::string& name : down) {
            if (table[name].runs && !waits.contains(name) && !table[name].abandoned) {
                level.push_back(name);
            }
        }
        if (level.empty()) {
            return levels;
        }
        for (const std::string& name : level) {
            table[name].runs = false;
        }
        levels.push_back(level);
    }
}

struct ShapeRow {
    const char* name;
    const char* graph;
    const char* stopped;
    Levels levels;
};

TEST(GoingDown, EndsDependentsFirstLevelByLevel) {
    const ShapeRow rows[] = {
        {"alone", "db", "db", {{"db"}}},
        {"chain", "web>api api>db", "db", {{"web"}, {"api"}, {"db"}}},
        {"diamond", "web>a web>b a>db b>db", "db", {{"web"}, {"a", "b"}, {"db"}}},
        {"the middle leaves what it needs", "web>api api>db", "api", {{"web"}, {"api"}}},
        {"others stay", "web>db other", "db", {{"web"}, {"db"}}},
    };
    for (const ShapeRow& row : rows) {
        DownTable table = graph(row.graph);
        table[row.stopped].asked = "stopped on request";
        EXPECT_EQ(carry_out(table), row.levels) << row.name;
        EXPECT_EQ(stop_levels(table, with_dependents(table, {row.stopped})), row.levels)
            << row.name << ": told beforehand";
    }
}

TEST(GoingDown, AChainOfTwentyGoesOneByOne) {
    std::string text;
    Levels wanted;
    for (int i = 0; i < 19; ++i) {
        text +=
            (i == 0 ? "" : " ") + ("a" + std::to_string(10 + i)) + ">a" + std::to_string(11 + i);
        wanted.push_back({"a" + std::to_string(10 + i)});
    }
    wanted.push_back({"a29"});
    DownTable table = graph(text);
    table["a29"].asked = "stopped on request";
    EXPECT_EQ(carry_out(table), wanted);
}

TEST(GoingDown, OneThatNeverStartedIsNotWaitedFor) {
    DownTable table = graph("web>db");
    table["web"].runs = false;
    table["db"].asked = "stopped on request";
    EXPECT_EQ(carry_out(table), (Levels{{"db"}}));
}

TEST(GoingDown, OneThatCannotBeStoppedIsAbandonedAndHoldsUpNobody) {
    DownTable table = graph("web>api api>db");
    table["db"].asked = "stopped on request";
    table["web"].abandoned = true;
    EXPECT_EQ(carry_out(table), (Levels{{"api"}, {"db"}}));
}

TEST(GoingDown, ACycleThatSlippedThroughEndsAllTheSame) {
    const DownTable table = graph("a>b b>a");
    EXPECT_EQ(stop_levels(table, {"a", "b"}), (Levels{{"a", "b"}}));
}

TEST(GoingDown, TheWholeHostGoesInOrder) {
    DownTable table = graph("web>api api>db batch>db");
    for (auto& [name, facts] : table) {
        facts.asked = "the host goes down";
    }
    EXPECT_EQ(carry_out(table), (Levels{{"batch", "web"}, {"api"}, {"db"}}));
}

TEST(GoingDown, StoppedAloneItTakesNobodyAlong) {
    DownTable table = graph("web>db");
    table["db"].asked = "stopped on request";
    table["db"].with_dependents = false;
    EXPECT_EQ(carry_out(table), (Levels{{"db"}}));
}

struct LossRow {
    LossPolicy policy;
    const char* what;
    bool met, asked_restart, started_anew;
    bool goes_down;
};

TEST(GoingDown, APolicySaysWhatBecomesOfADependentLater) {
    const LossRow rows[] = {
        {LossPolicy::Stay, "lost", false, false, false, false},
        {LossPolicy::Stop, "lost", false, false, false, true},
        {LossPolicy::Restart, "lost", false, false, false, false},
        {LossPolicy::Stay, "back", true, false, true, false},
        {LossPolicy::Stop, "back", true, false, true, false},
        {LossPolicy::Restart, "back", true, false, true, true},
        {LossPolicy::Stay, "is restarted", true, true, false, false},
        {LossPolicy::Stop, "is restarted", true, true, false, true},
        {LossPolicy::Restart, "is restarted", true, true, false, false},
    };
    for (const LossRow& row : rows) {
        DownTable table = graph("web>db", row.policy);
        table["db"].met_started = row.met;
        table["db"].last_start = row.started_anew ? 200 : 100;
        if (row.asked_restart) {
            table["db"].asked = "is restarted";
            table["db"].stays = true;
        }
        EXPECT_EQ(going_down(table).contains("web"), row.goes_down)
            << to_string(row.policy) << " " << row.what;
    }
}

TEST(GoingDown, WhatWaitsForAnEndIsNotTakenAlong) {
    DownTable table = graph("web>job");
    table["web"].depends_on[0].is = DependencyKind::Finished;
    table["job"].asked = "stopped on request";
    EXPECT_EQ(names_of(going_down(table)), Names{"job"});
}

}  // namespace
}  // namespace podreeve::supervise
