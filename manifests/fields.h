#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace podreeve::manifests {

// Which fields an object of a manifest may have. docs/manifest.md lists the same.
struct FieldTable {
    std::vector<std::string_view> supported;
    // Taken without a word since they cannot change what runs here; tools write them.
    std::vector<std::string_view> ignored;
    // Known, meaningful, and not done yet: an error of its own, so that nobody looks for a typo.
    std::vector<std::string_view> later;

    bool is_accepted(std::string_view name) const;
    bool is_later(std::string_view name) const;
    std::string allowed_text() const;  // "args, command, …"
    std::vector<std::string> known_names() const;
};

namespace fields {

extern const FieldTable kPod;
extern const FieldTable kDeployment;
extern const FieldTable kConfigMap;
extern const FieldTable kSecret;
extern const FieldTable kClaim;
extern const FieldTable kMetadata;
extern const FieldTable kDeploymentSpec;
extern const FieldTable kPodTemplate;
extern const FieldTable kPodSpec;
extern const FieldTable kContainer;
extern const FieldTable kInitContainer;
extern const FieldTable kEnv;
extern const FieldTable kEnvValueFrom;
extern const FieldTable kKeyRef;
extern const FieldTable kFieldRef;
extern const FieldTable kEnvFrom;
extern const FieldTable kEnvFromRef;
extern const FieldTable kPort;
extern const FieldTable kVolumeMount;
extern const FieldTable kVolume;
extern const FieldTable kEmptyDir;
extern const FieldTable kHostPath;
extern const FieldTable kClaimSource;
extern const FieldTable kConfigMapSource;
extern const FieldTable kSecretSource;
extern const FieldTable kKeyToPath;
extern const FieldTable kResources;
extern const FieldTable kResourceList;
extern const FieldTable kClaimSpec;
extern const FieldTable kClaimResources;
extern const FieldTable kClaimRequests;
extern const FieldTable kPodSecurity;
extern const FieldTable kContainerSecurity;
extern const FieldTable kCapabilities;
extern const FieldTable kSelinux;
extern const FieldTable kSeccomp;
extern const FieldTable kSysctl;
extern const FieldTable kHostAlias;
extern const FieldTable kDnsConfig;
extern const FieldTable kDnsOption;
extern const FieldTable kProbe;
extern const FieldTable kHttpGet;
extern const FieldTable kHttpHeader;
extern const FieldTable kTcpSocket;
extern const FieldTable kGrpc;
extern const FieldTable kExec;

extern const FieldTable kLifecycle;
extern const FieldTable kLifecycleHandler;
extern const FieldTable kLifecycleExec;
extern const FieldTable kLifecycleSleep;

extern const FieldTable kAppRoot;
extern const FieldTable kApp;
extern const FieldTable kAppContainer;
extern const FieldTable kAppPort;
extern const FieldTable kAppVolume;
extern const FieldTable kAppResources;
extern const FieldTable kAppDependency;
extern const FieldTable kAppHealth;
extern const FieldTable kAppHealthCheck;
extern const FieldTable kAppCondition;
extern const FieldTable kCompanion;

}  // namespace fields
}  // namespace podreeve::manifests
