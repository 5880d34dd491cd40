#include "runtime/base/secrets.h"

#include <nlohmann/json.hpp>

#include "manifests/base64.h"
#include "manifests/model.h"

namespace podreeve::manifests {
namespace {

// A Secret's data is a document of Kubernetes, whose values are in base64.
void add_values(const SecretSpec& secret, std::vector<std::string>& out) {
    const auto document = nlohmann::json::parse(secret.data, nullptr, false);
    if (!document.is_object() || !document.contains("data") || !document["data"].is_object()) {
        out.push_back(secret.data);
        return;
    }
    for (const auto& [key, value] : document["data"].items()) {
        const auto text =
            value.is_string() ? decode_base64(value.get<std::string>()) : std::nullopt;
        if (text) {
            out.push_back(*text);
        }
    }
}

}  // namespace

std::vector<std::string> secret_values(const AppSpec& spec) {
    std::vector<std::string> out;
    for (const SecretSpec& secret : spec.secrets) {
        add_values(secret, out);
    }
    for (const VolumeSpec& volume : spec.volumes) {
        for (const VolumeFile& file : volume.files) {
            if (volume.origin == VolumeOrigin::Secret) {
                out.push_back(file.content);
            }
        }
    }
    for (const ContainerSpec& container : spec.containers) {
        for (const std::string& name : container.secret_env) {
            if (const auto found = container.env.find(name); found != container.env.end()) {
                out.push_back(found->second);
            }
        }
    }
    return out;
}

std::string without_secrets_of(const AppSpec* spec, const std::string& text) {
    return spec == nullptr || text.empty() ? text : without_secrets(text, secret_values(*spec));
}

}  // namespace podreeve::manifests
