#include "agent/supervise/memory.h"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace podreeve::supervise {
namespace {

std::vector<RanVersion> ran_from(const nlohmann::json& rows) {
    std::vector<RanVersion> ran;
    for (const nlohmann::json& row : rows) {
        ran.push_back({row.value("spec", std::string()), row.value("generation", std::int64_t{0}),
                       WallTime(Duration(row.value("since", std::int64_t{0}))),
                       row.value("secret", false)});
    }
    return ran;
}

nlohmann::json to_rows(const std::vector<RanVersion>& ran) {
    nlohmann::json rows = nlohmann::json::array();
    for (const RanVersion& version : ran) {
        rows.push_back({{"spec", version.spec},
                        {"generation", version.generation},
                        {"since", version.since.time_since_epoch().count()}});
        if (version.secret) {
            rows.back()["secret"] = true;
        }
    }
    return rows;
}

}  // namespace

bool note_ran(Memory& memory, RanVersion version) {
    std::vector<RanVersion>& ran = memory.ran;
    if (version.spec.empty() || (!ran.empty() && ran.front().spec == version.spec)) {
        return false;
    }
    const auto known = std::ranges::find(ran, version.spec, &RanVersion::spec);
    if (known != ran.end()) {
        version.generation = version.generation == 0 ? known->generation : version.generation;
        ran.erase(known);
    }
    ran.insert(ran.begin(), std::move(version));
    ran.resize(std::min(ran.size(), kRanVersions));
    return true;
}

Memory memory_from(const std::string& extra) {
    Memory memory;
    const nlohmann::json root = nlohmann::json::parse(extra, nullptr, false);
    if (!root.is_object()) {
        return memory;
    }
    try {
        memory.autostart_off = root.value("autostart_off", false);
        // A name for it: items() of a temporary would outlive what it walks.
        const nlohmann::json restarts = root.value("restarts", nlohmann::json::object());
        for (const auto& [part, row] : restarts.items()) {
            memory.restarts[part] = {row.value("short_runs", std::int64_t{0}),
                                     row.value("restarts", std::int64_t{0}),
                                     row.value("last_exit", std::string()),
                                     WallTime(Duration(row.value("until", std::int64_t{0})))};
        }
        const nlohmann::json health = root.value("health", nlohmann::json::object());
        for (const auto& [part, row] : health.items()) {
            memory.health[part] = {
                row.value("id", std::string()), row.value("pid", std::int64_t{0}),
                row.value("word", std::string()), row.value("message", std::string())};
        }
        memory.wish = root.value("wish", std::int64_t{0});
        memory.restart = root.value("restart", std::int64_t{0});
        memory.alone = root.value("alone", false);
        memory.companions = root.value("companions", std::string());
        memory.companions_before = root.value("companions_before", std::string());
        memory.ran = ran_from(root.value("ran", nlohmann::json::array()));
    } catch (const nlohmann::json::exception&) {
        return {};
    }
    return memory;
}

std::string to_extra(const Memory& memory) {
    nlohmann::json root = nlohmann::json::object();
    for (const auto& [part, record] : memory.restarts) {
        root["restarts"][part] = {{"short_runs", record.short_runs},
                                  {"restarts", record.restarts},
                                  {"last_exit", record.last_exit}};
        if (record.until != WallTime{}) {
            root["restarts"][part]["until"] = record.until.time_since_epoch().count();
        }
    }
    for (const auto& [part, run] : memory.health) {
        root["health"][part] = {{"id", run.id}, {"pid", run.pid}, {"word", run.word}};
        if (!run.message.empty()) {
            root["health"][part]["message"] = run.message;
        }
    }
    if (memory.wish != 0) {
        root["wish"] = memory.wish;
    }
    if (memory.restart != 0) {
        root["restart"] = memory.restart;
    }
    if (!memory.companions.empty()) {
        root["companions"] = memory.companions;
    }
    if (!memory.companions_before.empty()) {
        root["companions_before"] = memory.companions_before;
    }
    if (!memory.ran.empty()) {
        root["ran"] = to_rows(memory.ran);
    }
    if (memory.alone) {
        root["alone"] = true;
    }
    if (memory.autostart_off) {
        root["autostart_off"] = true;
    }
    return root.dump();
}

}  // namespace podreeve::supervise
