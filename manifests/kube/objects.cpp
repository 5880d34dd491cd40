#include "manifests/kube/objects.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "manifests/base64.h"
#include "manifests/kube/metadata.h"
#include "manifests/names.h"
#include "manifests/quantity.h"
#include "runtime/base/json_text.h"
#include "runtime/base/nearest.h"

namespace podreeve::manifests::kube {
namespace {

// podman refuses a secret of 512,000 bytes or more.
constexpr std::size_t kMaxSecretBytes = 512'000;

bool check_key(const Place& place, const std::string& key) {
    if (!is_data_key(key)) {
        place.fail_at_key(fmt::format("'{}' cannot be a key", key),
                          "letters, digits, '-', '_' and '.', not '.' and not starting with '..'");
        return false;
    }
    return true;
}

void take_texts(const Place& map, DataObject& out) {
    for (const auto& [key, value] : map.entries()) {
        const bool good = check_key(value, key);
        const auto text = value.present() ? value.text() : std::optional<std::string>("");
        if (good && text) {
            out.values[key] = *text;
        }
    }
}

// The value is never shown: it may be a secret in the clear, written to the wrong field.
void take_base64(const Place& map, DataObject& out) {
    for (const auto& [key, value] : map.entries()) {
        const bool good = check_key(value, key);
        const auto text =
            value.present() ? value.text(Reading::Verbatim) : std::optional<std::string>("");
        if (!text) {
            continue;
        }
        auto bytes = decode_base64(*text);
        if (!bytes) {
            value.fail("is not base64; plain text belongs to stringData");
            continue;
        }
        if (good && !out.values.emplace(key, std::move(*bytes)).second) {
            value.fail_at_key(fmt::format("the key '{}' is there twice", key));
        }
    }
}

void add_object(const Place& document,
                const char* kind,
                const std::string& name,
                DataObject object,
                std::map<std::string, DataObject>& out) {
    if (!name.empty() && !out.emplace(name, std::move(object)).second) {
        document["metadata"]["name"].fail(fmt::format("the {} {} is there twice", kind, name));
    }
}

void check_immutable(const Place& document) {
    document["immutable"].boolean();
}

// As kube play stores it: the whole document, so that play and podreeve read each other's secrets.
std::string secret_document(const Metadata& metadata,
                            const Place& document,
                            const DataObject& object) {
    nlohmann::json data = nlohmann::json::object();
    for (const auto& [key, value] : object.values) {
        data[key] = encode_base64(value);
    }
    const Node* type = document["type"].node();
    nlohmann::json out = {{"apiVersion", "v1"},
                          {"kind", "Secret"},
                          {"metadata", {{"name", metadata.name}}},
                          {"data", std::move(data)}};
    if (type != nullptr && type->kind == NodeKind::Scalar) {
        out["type"] = type->text;
    }
    return json_text(out);
}

void read_volume_annotations(const Place& annotations, VolumeSpec& volume) {
    static const std::map<std::string, std::string> kOptions = {
        {"device", "device"}, {"type", "type"},       {"uid", "UID"},
        {"gid", "GID"},       {"mount-options", "o"}, {"image", "image"}};
    static const std::vector<std::string> kWords = {"device",        "driver", "gid", "image",
                                                    "mount-options", "type",   "uid"};
    static constexpr std::string_view kPrefix = "volume.podman.io/";
    for (const auto& [name, value] : annotations.entries()) {
        if (name.rfind(kPrefix, 0) != 0) {
            continue;
        }
        const std::string word = name.substr(kPrefix.size());
        const auto text = value.text(Reading::Verbatim);
        const auto option = kOptions.find(word);
        if (word == "driver" && text) {
            volume.driver = *text == "local" ? "" : *text;
        } else if (option != kOptions.end() && text) {
            volume.options[option->second] = *text;
        } else if (word == "import-source" || word == "mount-label") {
            value.fail_at_key("is not supported yet");
        } else if (text && word != "driver") {
            value.fail_at_key(
                "unknown annotation of a volume",
                fmt::format("{}{}", kPrefix, fmt::join(kWords, fmt::format(", {}", kPrefix))),
                nearest_name(word, kWords));
        }
    }
}

void check_claim_spec(const Place& spec) {
    if (!spec.check_fields(fields::kClaimSpec)) {
        return;
    }
    for (const Place& mode : spec["accessModes"].items()) {
        mode.one_of({"ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"});
    }
    spec["volumeMode"].one_of({"Filesystem"});
    spec["storageClassName"].text();
    const Place resources = spec["resources"];
    if (!resources.check_fields(fields::kClaimResources) ||
        !resources["requests"].check_fields(fields::kClaimRequests)) {
        return;
    }
    const Place storage = resources["requests"]["storage"];
    if (const auto text = storage.text(Reading::Verbatim); text && !parse_quantity(*text)) {
        storage.fail(fmt::format("'{}' is not a quantity", *text), "10Gi, 500M, …");
    }
}

}  // namespace

void read_config_map(const Place& document, Objects& objects) {
    if (!document.check_fields(fields::kConfigMap)) {
        return;
    }
    const Metadata metadata = read_metadata(document["metadata"], MetadataOf::Data);
    DataObject object;
    check_immutable(document);
    take_texts(document["data"], object);
    take_base64(document["binaryData"], object);
    add_object(document, "ConfigMap", metadata.name, std::move(object), objects.config_maps);
}

void read_secret(const Place& document, Objects& objects, AppSpec& app) {
    if (!document.check_fields(fields::kSecret)) {
        return;
    }
    const Metadata metadata = read_metadata(document["metadata"], MetadataOf::Data);
    DataObject object;
    object.secret = true;
    check_immutable(document);
    document["type"].text();
    take_base64(document["data"], object);
    take_texts(document["stringData"], object);
    if (metadata.name.empty()) {
        return;
    }
    SecretSpec secret{"secret/" + metadata.name, metadata.name,
                      secret_document(metadata, document, object), metadata.labels};
    if (secret.data.size() >= kMaxSecretBytes) {
        document.fail(fmt::format("is larger than the {} bytes that podman takes for a secret",
                                  kMaxSecretBytes));
        object.broken = true;
    }
    const std::size_t before = objects.secrets.size();
    add_object(document, "Secret", metadata.name, std::move(object), objects.secrets);
    if (objects.secrets.size() > before) {
        app.secrets.push_back(std::move(secret));
    }
}

void read_claim(const Place& document, Objects& objects, AppSpec& app) {
    if (!document.check_fields(fields::kClaim)) {
        return;
    }
    const Metadata metadata = read_metadata(document["metadata"], MetadataOf::Data);
    VolumeSpec volume;
    volume.name = metadata.name;
    volume.part = "volume/" + metadata.name;
    volume.origin = VolumeOrigin::Claim;
    volume.labels = metadata.labels;
    read_volume_annotations(document["metadata"]["annotations"], volume);
    check_claim_spec(document["spec"]);
    if (metadata.name.empty()) {
        return;
    }
    if (!objects.claims.emplace(metadata.name, volume).second) {
        document["metadata"]["name"].fail(
            fmt::format("the PersistentVolumeClaim {} is there twice", metadata.name));
        return;
    }
    app.volumes.push_back(std::move(volume));
}

}  // namespace podreeve::manifests::kube
