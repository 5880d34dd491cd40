#include "agent/supervise/decide/memory.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "runtime/base/json_text.h"

namespace podreeve::supervise {
namespace {

std::vector<RanVersion> ran_from(const nlohmann::json& rows) {
    std::vector<RanVersion> ran;
    for (const nlohmann::json& row : rows) {
        ran.push_back({text_in(row, "spec"), number_in(row, "generation"),
                       WallTime(Duration(number_in(row, "since"))), flag_in(row, "secret")});
    }
    return ran;
}

// The rows of a table by their keys. What is no row is left out.
std::map<std::string, nlohmann::json> rows_in(const nlohmann::json& root, const char* key) {
    std::map<std::string, nlohmann::json> rows;
    const nlohmann::json& table = child_in(root, key);
    if (!table.is_object()) {
        return rows;
    }
    for (const auto& [name, row] : table.items()) {
        if (row.is_object()) {
            rows.emplace(name, row);
        }
    }
    return rows;
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

std::set<std::string> texts_in(const nlohmann::json& object, const char* key) {
    std::set<std::string> texts;
    for (const nlohmann::json& text : child_in(object, key)) {
        if (text.is_string()) {
            texts.insert(text.get<std::string>());
        }
    }
    return texts;
}

plan::KeptVolumes volumes_from(const nlohmann::json& row) {
    return {text_in(row, "spec"), texts_in(row, "names"), text_in(row, "folder"),
            text_in(row, "mount_point")};
}

nlohmann::json to_row(const plan::KeptVolumes& kept) {
    return {{"spec", kept.spec},
            {"names", kept.names},
            {"folder", kept.folder},
            {"mount_point", kept.mount_point}};
}

}  // namespace

bool note_ran(AppMemory& memory, RanVersion version) {
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

AppMemory memory_from(const std::string& extra) {
    AppMemory memory;
    const nlohmann::json root = json_object_from(extra);
    memory.autostart_off = flag_in(root, "autostart_off");
    memory.unseen = flag_in(root, "unseen");
    for (const auto& [part, row] : rows_in(root, "restarts")) {
        memory.restarts[part] = {number_in(row, "short_runs"), number_in(row, "restarts"),
                                 text_in(row, "last_exit"),
                                 WallTime(Duration(number_in(row, "until")))};
    }
    for (const auto& [part, row] : rows_in(root, "health")) {
        memory.health[part] = {text_in(row, "id"), number_in(row, "pid"), text_in(row, "word"),
                               text_in(row, "message")};
    }
    memory.request = number_in(root, "request");
    memory.restart = number_in(root, "restart");
    memory.alone = flag_in(root, "alone");
    memory.companions = text_in(root, "companions");
    memory.companions_before = text_in(root, "companions_before");
    memory.ran = ran_from(child_in(root, "ran"));
    for (const auto& [service, row] : rows_in(root, "foreign_runs")) {
        memory.foreign_runs[service] = text_in(row, "invocation");
    }
    memory.former = texts_in(root, "former");
    memory.volumes = volumes_from(child_in(root, "volumes"));
    return memory;
}

std::string to_extra(const AppMemory& memory) {
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
    if (memory.request != 0) {
        root["request"] = memory.request;
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
    for (const auto& [service, invocation] : memory.foreign_runs) {
        root["foreign_runs"][service] = {{"invocation", invocation}};
    }
    if (!memory.former.empty()) {
        root["former"] = memory.former;
    }
    if (memory.volumes != plan::KeptVolumes{}) {
        root["volumes"] = to_row(memory.volumes);
    }
    if (memory.alone) {
        root["alone"] = true;
    }
    if (memory.autostart_off) {
        root["autostart_off"] = true;
    }
    if (memory.unseen) {
        root["unseen"] = true;
    }
    return json_text(root);
}

}  // namespace podreeve::supervise
