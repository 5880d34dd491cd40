#include "manifests/kube/env.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "manifests/expand.h"
#include "runtime/base/nearest.h"
#include "runtime/base/utf8.h"

namespace podreeve::manifests::kube {
namespace {

struct EnvReader {
    const std::string& pod_name;
    const Metadata& pod;
    const Objects& objects;
    ContainerEnvironment out;
};

struct Found {
    std::string text;
    bool secret = false;
};

bool is_variable_name(const std::string& name) {
    return !name.empty() && std::all_of(name.begin(), name.end(),
                                        [](char c) { return c > ' ' && c < 0x7F && c != '='; });
}

// What a container's environment can carry: text without NUL.
bool check_value(const Place& place, const std::string& key, const std::string& value) {
    if (value.find('\0') != std::string::npos || !is_utf8(value)) {
        place.fail(
            fmt::format("the value of '{}' is binary, and an environment holds only text", key));
        return false;
    }
    return true;
}

void set(EnvReader& reader, const std::string& name, Found found) {
    if (found.secret) {
        reader.out.secret.insert(name);
    } else {
        reader.out.secret.erase(name);
    }
    reader.out.values[name] = std::move(found.text);
}

// The object that place["name"] refers to; null when there is none, which is told unless optional.
const DataObject* find_object(const Place& place,
                              const char* kind,
                              const std::map<std::string, DataObject>& known) {
    const auto name = place["name"].required_text();
    const bool optional = place["optional"].boolean().value_or(false);
    if (!name) {
        return nullptr;
    }
    const auto found = known.find(*name);
    if (found == known.end()) {
        if (!optional) {
            std::vector<std::string> names;
            for (const auto& [other, unused] : known) {
                names.push_back(other);
            }
            place["name"].fail(fmt::format("there is no {} {} in this file", kind, *name), "",
                               nearest_name(*name, names));
        }
        return nullptr;
    }
    return &found->second;
}

std::optional<Found> read_key_ref(const Place& ref,
                                  const char* kind,
                                  const std::map<std::string, DataObject>& known) {
    if (!ref.check_fields(fields::kKeyRef)) {
        return std::nullopt;
    }
    const DataObject* object = find_object(ref, kind, known);
    const auto key = ref["key"].required_text();
    if (object == nullptr || !key) {
        return std::nullopt;
    }
    const auto value = object->values.find(*key);
    if (value == object->values.end()) {
        if (!object->broken && !ref["optional"].boolean().value_or(false)) {
            std::vector<std::string> keys;
            for (const auto& [other, unused] : object->values) {
                keys.push_back(other);
            }
            ref["key"].fail(fmt::format("there is no key '{}'", *key), "",
                            nearest_name(*key, keys));
        }
        return std::nullopt;
    }
    if (!check_value(ref["key"], *key, value->second)) {
        return std::nullopt;
    }
    return Found{value->second, object->secret};
}

// The x of metadata.labels['x'].
std::optional<std::string> subscript(const std::string& path, std::string_view map) {
    const std::string start = fmt::format("{}['", map);
    if (path.rfind(start, 0) != 0 || path.size() < start.size() + 3 ||
        path.compare(path.size() - 2, 2, "']") != 0) {
        return std::nullopt;
    }
    return path.substr(start.size(), path.size() - start.size() - 2);
}

std::string value_or_empty(const std::map<std::string, std::string>& map, const std::string& key) {
    const auto found = map.find(key);
    return found == map.end() ? "" : found->second;
}

std::optional<Found> read_field_ref(const Place& ref, const EnvReader& reader) {
    if (!ref.check_fields(fields::kFieldRef)) {
        return std::nullopt;
    }
    ref["apiVersion"].one_of({"v1"});
    const Place path = ref["fieldPath"];
    const auto text = path.required_text();
    if (!text) {
        return std::nullopt;
    }
    if (*text == "metadata.name") {
        return Found{reader.pod_name, false};
    }
    if (const auto label = subscript(*text, "metadata.labels")) {
        return Found{value_or_empty(reader.pod.labels, *label), false};
    }
    if (const auto annotation = subscript(*text, "metadata.annotations")) {
        return Found{value_or_empty(reader.pod.annotations, *annotation), false};
    }
    path.fail(fmt::format("'{}' is not supported", *text),
              "metadata.name, metadata.labels['…'], metadata.annotations['…']");
    return std::nullopt;
}

std::optional<Found> read_value_from(const Place& from, const EnvReader& reader) {
    if (!from.check_fields(fields::kEnvValueFrom)) {
        return std::nullopt;
    }
    const Place config = from["configMapKeyRef"];
    const Place secret = from["secretKeyRef"];
    const Place field = from["fieldRef"];
    const int sources =
        (config.present() ? 1 : 0) + (secret.present() ? 1 : 0) + (field.present() ? 1 : 0);
    if (sources != 1) {
        if (sources > 1 || from.node()->entries.empty()) {
            from.fail("takes exactly one source", fields::kEnvValueFrom.allowed_text());
        }
        return std::nullopt;
    }
    if (config.present()) {
        return read_key_ref(config, "ConfigMap", reader.objects.config_maps);
    }
    if (secret.present()) {
        return read_key_ref(secret, "Secret", reader.objects.secrets);
    }
    return read_field_ref(field, reader);
}

Found expanded(const std::string& text, const EnvReader& reader) {
    std::set<std::string> used;
    Found out{expand_variables(text, reader.out.values, &used), false};
    out.secret = std::any_of(used.begin(), used.end(), [&](const std::string& name) {
        return reader.out.secret.count(name) > 0;
    });
    return out;
}

void read_variable(const Place& place, EnvReader& reader) {
    if (!place.check_fields(fields::kEnv)) {
        return;
    }
    const Place value = place["value"];
    const Place from = place["valueFrom"];
    const auto name = place["name"].required_text();
    if (name && !is_variable_name(*name)) {
        place["name"].fail(fmt::format("'{}' is not the name of a variable", *name));
        return;
    }
    if (value.present() && from.present()) {
        from.fail_at_key("cannot stand beside value");
        return;
    }
    std::optional<Found> found;
    if (from.present()) {
        found = read_value_from(from, reader);
    } else if (!value.present()) {
        found = Found{};
    } else if (const auto text = value.text()) {
        found = expanded(*text, reader);
    }
    if (name && found) {
        set(reader, *name, std::move(*found));
    }
}

void read_all_of(const Place& ref,
                 const char* kind,
                 const std::map<std::string, DataObject>& known,
                 const std::string& prefix,
                 EnvReader& reader) {
    if (!ref.check_fields(fields::kEnvFromRef)) {
        return;
    }
    const DataObject* object = find_object(ref, kind, known);
    if (object == nullptr) {
        return;
    }
    for (const auto& [key, value] : object->values) {
        if (check_value(ref, key, value)) {
            set(reader, prefix + key, {value, object->secret});
        }
    }
}

void read_env_from(const Place& place, EnvReader& reader) {
    if (!place.check_fields(fields::kEnvFrom)) {
        return;
    }
    const Place config = place["configMapRef"];
    const Place secret = place["secretRef"];
    const std::string prefix = place["prefix"].text().value_or("");
    if (config.present() == secret.present()) {
        place.fail("takes exactly one source", "configMapRef, secretRef");
        return;
    }
    if (config.present()) {
        read_all_of(config, "ConfigMap", reader.objects.config_maps, prefix, reader);
    } else {
        read_all_of(secret, "Secret", reader.objects.secrets, prefix, reader);
    }
}

}  // namespace

ContainerEnvironment read_environment(const Place& container,
                                      const std::string& pod_name,
                                      const Metadata& pod,
                                      const Objects& objects) {
    EnvReader reader{pod_name, pod, objects, {}};
    for (const Place& place : container["envFrom"].items()) {
        read_env_from(place, reader);
    }
    for (const Place& place : container["env"].items()) {
        read_variable(place, reader);
    }
    return std::move(reader.out);
}

}  // namespace podreeve::manifests::kube
