#include <algorithm>

#include <fmt/format.h>

#include "tests/fakes/fake_podman/render.h"
#include "tests/fakes/fake_podman/routes.h"

namespace podreeve::fakes {
namespace {

// What a registry that is not there makes podman say.
std::string unreachable(const std::string& reference) {
    const std::string host = reference.substr(0, reference.find('/'));
    return fmt::format(
        "initializing source docker://{}: pinging container registry {}: Get \"https://{}/v2/\": "
        "dial tcp: connect: connection refused",
        reference, host, host);
}

void pull_failed(Routed& routed, const std::string& reference, const std::string& problem) {
    routed.write(ordered_json{{"error", problem}}.dump() + "\n");
    routed.engine.emit(
        {"image", "pull-error", "", "", {{"name", reference}, {"error", problem}}, 0});
}

std::optional<Answer> pull(Routed& routed) {
    const std::string reference = routed.request.param("reference");
    routed.exchange.begin_stream(200, "");
    const auto line = [&](const ordered_json& value) { return routed.write(value.dump() + "\n"); };
    if (reference.empty() || reference.find("::") != reference.npos ||
        reference.find(' ') != reference.npos) {
        pull_failed(routed, reference,
                    fmt::format("parsing reference \"{}\": invalid reference format", reference));
        return std::nullopt;
    }
    Engine& engine = routed.engine;
    const Image* here = engine.image(reference);
    if (routed.request.param("policy", "always") == "missing" && here != nullptr) {
        const std::string id = here->id;
        line({{"images", {id}}, {"id", id}});
        return std::nullopt;
    }
    line({{"stream", fmt::format("Trying to pull {}...\n", reference)}});
    const auto it = engine.registry.find(reference);
    const Engine::Pull known =
        it == engine.registry.end() ? Engine::Pull{{}, unreachable(reference), {}} : it->second;
    if (!known.error.empty()) {
        pull_failed(routed, reference, known.error);
        return std::nullopt;
    }
    for (const std::string& text : known.progress) {
        line({{"stream", text + "\n"}});
    }
    Image pulled = known.image;
    pulled.names = {reference};
    if (Image* old = engine.image(reference); old != nullptr && old->id != pulled.id) {
        std::erase(old->names, reference);
    }
    if (engine.image(reference) == nullptr) {
        engine.images.push_back(pulled);
    }
    engine.emit({"image", "pull", pulled.id, "", {{"name", reference}}, 0});
    line({{"images", {pulled.id}}, {"id", pulled.id}});
    return std::nullopt;
}

Answer remove(Engine& engine, const std::string& name, bool force) {
    const Image* found = engine.image(name);
    if (found == nullptr) {
        return error(404, "image not known", fmt::format("{}: image not known", name));
    }
    const std::string id = found->id;
    for (const auto& [container_id, container] : engine.containers) {
        if (container.image_id == id && !force) {
            return error(
                409, "image is in use by a container",
                fmt::format("image used by {}: image is in use by a container", container_id));
        }
    }
    std::erase_if(engine.images, [&](const Image& image) { return image.id == id; });
    engine.emit({"image", "remove", id, "", {{"name", name}}, 0});
    return ok({{"Deleted", {id}}, {"Untagged", {name}}, {"Errors", nullptr}, {"ExitCode", 0}});
}

}  // namespace

std::optional<Answer> route_images(Routed& routed) {
    const std::vector<std::string>& path = routed.path;
    Engine& engine = routed.engine;
    if (path.size() == 2 && path[1] == "json") {
        ordered_json rows = ordered_json::array();
        for (const Image& image : engine.images) {
            rows.push_back(render_image_row(image));
        }
        return ok(rows);
    }
    if (path.size() == 2 && path[1] == "pull" && routed.is("POST")) {
        return pull(routed);
    }
    // An image's name may hold slashes, encoded or not.
    const bool act = path.back() == "json" || path.back() == "exists";
    std::string name;
    for (std::size_t i = 1; i + (act ? 1 : 0) < path.size(); ++i) {
        name += (i > 1 ? "/" : "") + path[i];
    }
    if (routed.is("DELETE")) {
        return remove(engine, name, routed.request.flag("force"));
    }
    const Image* found = engine.image(name);
    if (found == nullptr && path.back() == "exists") {
        return error(404, "failed to find image " + name, "failed to find image " + name);
    }
    if (found == nullptr) {
        return error(404, "image not known",
                     fmt::format("failed to find image {0}: {0}: image not known", name));
    }
    return path.back() == "exists" ? nothing(204) : ok(render_image(*found));
}

}  // namespace podreeve::fakes
