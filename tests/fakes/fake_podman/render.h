#pragma once

#include "tests/fakes/fake_podman/engine.h"

namespace podreeve::fakes {

// Podman's replies as it writes them: names, order of the fields, empties, nulls and time formats
// taken from 5.4.2, and from 4.3.1 and 5.8.6 where they differ. Of inspect, what a client can
// compare with its create.
ordered_json render_container_row(Engine& engine, const Container& container);
// v4_shape: the path asked for a version before 5.0.0, and a podman of 5.x then answers as 4.x did.
ordered_json render_container(Engine& engine, const Container& container, bool v4_shape);
ordered_json render_pod_row(Engine& engine, const Pod& pod);
ordered_json render_pod(Engine& engine, const Pod& pod);
ordered_json render_image_row(const Image& image);
ordered_json render_image(const Image& image);
ordered_json render_volume(const Engine& engine, const Volume& volume);
ordered_json render_network(const Network& network);
ordered_json render_secret(const Engine& engine, const Secret& secret, bool show);
ordered_json render_event(const EventRecord& event);
ordered_json render_info(Engine& engine);
ordered_json render_version(const Engine& engine);

std::string version_text(const podman::Version& version);
// RFC 3339 with as many digits of a second as needed, the way Go prints a time; zero time when
// there is none.
std::string go_time(const std::optional<WallTime>& time);

}  // namespace podreeve::fakes
