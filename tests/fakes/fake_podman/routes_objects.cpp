#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tests/fakes/fake_podman/render.h"
#include "tests/fakes/fake_podman/routes.h"

namespace podreeve::fakes {
namespace {

using Map = std::map<std::string, std::string>;

Map map_in(const json& object, const char* key) {
    const auto it = object.find(key);
    return it != object.end() && it->is_object() ? it->get<Map>() : Map();
}

Answer create_volume(Engine& engine, const json& body) {
    const std::string name = body.value("Name", engine.new_id("volume"));
    if (engine.volumes.contains(name)) {
        return error(
            500, "volume already exists",
            fmt::format("volume with name {} already exists: volume already exists", name));
    }
    Volume& volume = engine.make_volume(name);
    volume.driver = body.value("Driver", "local");
    volume.labels = map_in(body, body.contains("Label") ? "Label" : "Labels");
    volume.options = map_in(body, "Options");
    return ok(render_volume(engine, volume), 201);
}

std::vector<std::string> users_of(const Engine& engine, const std::string& volume) {
    std::vector<std::string> users;
    for (const auto& [id, container] : engine.containers) {
        for (const json& used : container.spec.value("volumes", json::array())) {
            if (used.value("Name", "") == volume) {
                users.push_back(id);
            }
        }
    }
    return users;
}

void erase_volume(Engine& engine, const std::string& name) {
    const auto it = engine.volumes.find(name);
    std::filesystem::remove_all(std::filesystem::path(it->second.mountpoint).parent_path());
    engine.volumes.erase(it);
    engine.emit({"volume", "remove", "", "", {{"name", name}}, 0});
}

// Podman's lookup: the name, or else the one name that begins so.
std::string volume_meant(const Engine& engine, const std::string& text) {
    if (engine.volumes.contains(text)) {
        return text;
    }
    const auto first = engine.volumes.lower_bound(text);
    const auto begins_so = [&](auto it) {
        return it != engine.volumes.end() && it->first.starts_with(text);
    };
    return begins_so(first) && !begins_so(std::next(first)) ? first->first : "";
}

bool has_label(const Volume& volume, const std::string& filter) {
    const std::size_t cut = filter.find('=');
    const auto it = volume.labels.find(filter.substr(0, cut));
    return it != volume.labels.end() &&
           (cut == std::string::npos || it->second == filter.substr(cut + 1));
}

// Filters by label alone; podman 4 takes several for alternatives.
Answer prune_volumes(Engine& engine, const HttpRequest& request) {
    const json filters = json::parse(request.param("filters", "{}"), nullptr, false);
    const auto labels = filters.value("label", std::vector<std::string>());
    const bool any = engine.version < podman::Version{5, 0, 0};
    ordered_json removed = ordered_json::array();
    for (const auto& [name, volume] : std::map(engine.volumes)) {
        const auto matches = [&, &labelled = volume](const std::string& label) {
            return has_label(labelled, label);
        };
        const bool wanted = labels.empty() || (any ? std::ranges::any_of(labels, matches)
                                                   : std::ranges::all_of(labels, matches));
        if (wanted && users_of(engine, name).empty()) {
            erase_volume(engine, name);
            removed.push_back({{"Id", name}, {"Size", 0}});
        }
    }
    return ok(removed);
}

Answer remove_volume(Engine& engine, const std::string& text, bool force) {
    const std::string name = volume_meant(engine, text);
    if (name.empty()) {
        return error(404, "no such volume",
                     fmt::format("no volume with name \"{}\" found: no such volume", text));
    }
    const std::vector<std::string> users = users_of(engine, name);
    if (!users.empty() && !force) {
        return error(
            409, "volume is being used",
            fmt::format(
                "volume {} is being used by the following container(s): {}: volume is being used",
                name, fmt::join(users, ", ")));
    }
    for (const std::string& user : users) {
        engine.remove_container(user, true, false, false);
    }
    erase_volume(engine, name);
    return nothing(204);
}

Answer create_network(Engine& engine, const HttpRequest& request, const json& body) {
    const std::string name = body.value("name", engine.new_id("network", 12));
    if (const auto it = engine.networks.find(name); it != engine.networks.end()) {
        if (request.flag("ignoreIfExists") && engine.version >= podman::Version{4, 4, 0}) {
            return ok(render_network(it->second));
        }
        return error(409, "network already exists",
                     fmt::format("network name {} already used: network already exists", name));
    }
    Network network;
    network.name = name;
    network.id = engine.new_id("network");
    network.driver = body.value("driver", "bridge");
    network.labels = map_in(body, "labels");
    network.dns_enabled = body.value("dns_enabled", false);
    network.internal = body.value("internal", false);
    network.created = engine.clock.system_now();
    network.subnet = 89 + static_cast<unsigned>(engine.networks.size()) - 1;
    network.interface = fmt::format("podman{}", engine.networks.size());
    engine.networks.emplace(name, network);
    engine.emit({"network", "create", network.id, "", {{"name", ""}, {"network", name}}, 0});
    return ok(render_network(network));
}

Answer remove_network(Engine& engine, const std::string& name, bool force) {
    const auto it = engine.networks.find(name);
    if (it == engine.networks.end()) {
        return error(
            404, "network not found",
            fmt::format("unable to find network with name or ID {}: network not found", name));
    }
    for (const auto& [id, container] : engine.containers) {
        if (container.spec.value("Networks", json::object()).contains(name) && !force) {
            return error(
                500, "network is being used",
                fmt::format("\"{}\" has associated containers with it. Use -f to forcibly delete "
                            "containers and pods: network is being used",
                            name));
        }
    }
    engine.emit({"network", "remove", it->second.id, "", {{"name", ""}, {"network", name}}, 0});
    engine.networks.erase(it);
    return ok({{{"Name", name}, {"Err", nullptr}}});
}

Answer create_secret(Engine& engine, const HttpRequest& request) {
    const std::string name = request.param("name");
    const auto known = engine.secrets.find(name);
    if (known != engine.secrets.end() && !request.flag("replace")) {
        return error(500, "secret name in use", name + ": secret name in use");
    }
    Secret secret;
    secret.id = engine.new_id("secret", 25);
    secret.name = name;
    secret.data = request.body;
    const json labels = json::parse(request.param("labels", "{}"), nullptr, false);
    secret.labels = labels.is_object() ? labels.get<Map>() : Map();
    secret.created = engine.clock.system_now();
    engine.secrets[name] = secret;
    return ok({{"ID", secret.id}});
}

Secret* find_secret(Engine& engine, const std::string& who) {
    for (auto& [name, secret] : engine.secrets) {
        if (name == who || secret.id == who) {
            return &secret;
        }
    }
    return nullptr;
}

}  // namespace

std::optional<Answer> route_volumes(Routed& routed) {
    const std::vector<std::string>& path = routed.path;
    Engine& engine = routed.engine;
    if (path.size() == 2 && path[1] == "create" && routed.is("POST")) {
        Answer refusal;
        const auto body = body_of(routed.request, refusal);
        return body ? create_volume(engine, *body) : refusal;
    }
    if (path.size() == 2 && path[1] == "prune" && routed.is("POST")) {
        return prune_volumes(engine, routed.request);
    }
    if (path.size() == 2 && path[1] == "json") {
        ordered_json rows = ordered_json::array();
        for (const auto& [name, volume] : engine.volumes) {
            rows.push_back(render_volume(engine, volume));
        }
        return ok(rows);
    }
    if (path.size() == 2 && routed.is("DELETE")) {
        return remove_volume(engine, path[1], routed.request.flag("force"));
    }
    const auto it = path.size() == 3 ? engine.volumes.find(path[1]) : engine.volumes.end();
    if (it == engine.volumes.end()) {
        return error(404, "no such volume", "no such volume");
    }
    return path[2] == "exists" ? nothing(204) : ok(render_volume(engine, it->second));
}

std::optional<Answer> route_networks(Routed& routed) {
    const std::vector<std::string>& path = routed.path;
    Engine& engine = routed.engine;
    if (path.size() == 2 && path[1] == "create" && routed.is("POST")) {
        Answer refusal;
        const auto body = body_of(routed.request, refusal);
        return body ? create_network(engine, routed.request, *body) : refusal;
    }
    if (path.size() == 2 && path[1] == "json") {
        ordered_json rows = ordered_json::array();
        for (const auto& [name, network] : engine.networks) {
            rows.push_back(render_network(network));
        }
        return ok(rows);
    }
    if (path.size() == 2 && routed.is("DELETE")) {
        return remove_network(engine, path[1], routed.request.flag("force"));
    }
    const auto it = path.size() == 3 ? engine.networks.find(path[1]) : engine.networks.end();
    if (it == engine.networks.end()) {
        return error(404, "network not found", "network not found");
    }
    return path[2] == "exists" ? nothing(204) : ok(render_network(it->second));
}

std::optional<Answer> route_secrets(Routed& routed) {
    const std::vector<std::string>& path = routed.path;
    Engine& engine = routed.engine;
    if (path.size() == 2 && path[1] == "create" && routed.is("POST")) {
        return create_secret(engine, routed.request);
    }
    if (path.size() == 2 && path[1] == "json") {
        ordered_json rows = ordered_json::array();
        for (const auto& [name, secret] : engine.secrets) {
            rows.push_back(render_secret(engine, secret, false));
        }
        return ok(rows);
    }
    const std::string who = path.size() > 1 ? path[1] : "";
    const Secret* found = find_secret(engine, who);
    if (found == nullptr) {
        return error(404, "no such secret",
                     fmt::format("no secret with name or id \"{}\": no such secret", who));
    }
    if (routed.is("DELETE")) {
        engine.secrets.erase(found->name);
        return nothing(204);
    }
    return path.back() == "exists"
               ? nothing(204)
               : ok(render_secret(engine, *found, routed.request.flag("showsecret")));
}

}  // namespace podreeve::fakes
