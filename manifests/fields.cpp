#include "manifests/fields.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace podreeve::manifests {
namespace {

bool holds(const std::vector<std::string_view>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

bool FieldTable::is_accepted(std::string_view name) const {
    return holds(supported, name) || holds(ignored, name);
}

bool FieldTable::is_later(std::string_view name) const {
    return holds(later, name);
}

std::string FieldTable::allowed_text() const {
    std::vector<std::string_view> names = supported;
    std::sort(names.begin(), names.end());
    return fmt::format("{}", fmt::join(names, ", "));
}

std::vector<std::string> FieldTable::known_names() const {
    std::vector<std::string> names(supported.begin(), supported.end());
    names.insert(names.end(), later.begin(), later.end());
    return names;
}

namespace fields {

const FieldTable kPod{{"apiVersion", "kind", "metadata", "spec"}, {"status"}, {}};
const FieldTable kDeployment{{"apiVersion", "kind", "metadata", "spec"}, {"status"}, {}};
const FieldTable kConfigMap{
    {"apiVersion", "binaryData", "data", "immutable", "kind", "metadata"}, {}, {}};
const FieldTable kSecret{
    {"apiVersion", "data", "immutable", "kind", "metadata", "stringData", "type"}, {}, {}};
const FieldTable kClaim{{"apiVersion", "kind", "metadata", "spec"}, {"status"}, {}};
const FieldTable kMetadata{
    {"annotations", "labels", "name", "namespace"},
    {"creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"},
    {"finalizers", "generateName", "ownerReferences"}};
const FieldTable kDeploymentSpec{{"replicas", "selector", "strategy", "template"},
                                 {"progressDeadlineSeconds", "revisionHistoryLimit"},
                                 {"minReadySeconds", "paused"}};
const FieldTable kPodTemplate{{"metadata", "spec"}, {}, {}};
const FieldTable kPodSpec{{"automountServiceAccountToken", "containers", "dnsConfig", "dnsPolicy",
                           "enableServiceLinks", "hostAliases", "hostIPC", "hostNetwork", "hostPID",
                           "hostname", "initContainers", "restartPolicy", "securityContext",
                           "shareProcessNamespace", "terminationGracePeriodSeconds", "volumes"},
                          {},
                          {"activeDeadlineSeconds",
                           "affinity",
                           "ephemeralContainers",
                           "hostUsers",
                           "imagePullSecrets",
                           "nodeName",
                           "nodeSelector",
                           "os",
                           "overhead",
                           "preemptionPolicy",
                           "priority",
                           "priorityClassName",
                           "readinessGates",
                           "resourceClaims",
                           "resources",
                           "runtimeClassName",
                           "schedulerName",
                           "schedulingGates",
                           "serviceAccount",
                           "serviceAccountName",
                           "setHostnameAsFQDN",
                           "subdomain",
                           "tolerations",
                           "topologySpreadConstraints"}};
const FieldTable kContainer{
    {"args", "command", "env", "envFrom", "image", "imagePullPolicy", "lifecycle", "livenessProbe",
     "name", "ports", "readinessProbe", "resources", "securityContext", "startupProbe", "stdin",
     "tty", "volumeMounts", "workingDir"},
    {"terminationMessagePath", "terminationMessagePolicy"},
    {"resizePolicy", "restartPolicy", "stdinOnce", "volumeDevices"}};
const FieldTable kInitContainer = kContainer;
const FieldTable kEnv{{"name", "value", "valueFrom"}, {}, {}};
const FieldTable kEnvValueFrom{
    {"configMapKeyRef", "fieldRef", "secretKeyRef"}, {}, {"fileKeyRef", "resourceFieldRef"}};
const FieldTable kKeyRef{{"key", "name", "optional"}, {}, {}};
const FieldTable kFieldRef{{"apiVersion", "fieldPath"}, {}, {}};
const FieldTable kEnvFrom{{"configMapRef", "prefix", "secretRef"}, {}, {}};
const FieldTable kEnvFromRef{{"name", "optional"}, {}, {}};
const FieldTable kPort{{"containerPort", "hostIP", "hostPort", "name", "protocol"}, {}, {}};
const FieldTable kVolumeMount{{"mountPath", "mountPropagation", "name", "readOnly", "subPath"},
                              {},
                              {"recursiveReadOnly", "subPathExpr"}};
const FieldTable kVolume{
    {"configMap", "emptyDir", "hostPath", "name", "persistentVolumeClaim", "secret"},
    {},
    {"awsElasticBlockStore",
     "azureDisk",
     "azureFile",
     "cephfs",
     "cinder",
     "csi",
     "downwardAPI",
     "ephemeral",
     "fc",
     "flexVolume",
     "flocker",
     "gcePersistentDisk",
     "gitRepo",
     "glusterfs",
     "image",
     "iscsi",
     "nfs",
     "photonPersistentDisk",
     "portworxVolume",
     "projected",
     "quobyte",
     "rbd",
     "scaleIO",
     "storageos",
     "vsphereVolume"}};
const FieldTable kEmptyDir{{"medium", "sizeLimit"}, {}, {}};
const FieldTable kHostPath{{"path", "type"}, {}, {}};
const FieldTable kClaimSource{{"claimName", "readOnly"}, {}, {}};
const FieldTable kConfigMapSource{{"defaultMode", "items", "name", "optional"}, {}, {}};
const FieldTable kSecretSource{{"defaultMode", "items", "optional", "secretName"}, {}, {}};
const FieldTable kKeyToPath{{"key", "mode", "path"}, {}, {}};
const FieldTable kResources{{"limits", "requests"}, {}, {"claims"}};
const FieldTable kResourceList{{"cpu", "memory"}, {}, {"ephemeral-storage"}};
const FieldTable kClaimSpec{
    {"accessModes", "resources", "storageClassName", "volumeMode"},
    {},
    {"dataSource", "dataSourceRef", "selector", "volumeAttributesClassName", "volumeName"}};
const FieldTable kClaimResources{{"requests"}, {}, {"limits"}};
const FieldTable kClaimRequests{{"storage"}, {}, {}};
const FieldTable kPodSecurity{
    {"runAsGroup", "runAsNonRoot", "runAsUser", "seLinuxOptions", "seccompProfile",
     "supplementalGroups", "sysctls"},
    {},
    {"appArmorProfile", "fsGroup", "fsGroupChangePolicy", "seLinuxChangePolicy",
     "supplementalGroupsPolicy", "windowsOptions"}};
const FieldTable kContainerSecurity{
    {"allowPrivilegeEscalation", "capabilities", "privileged", "procMount",
     "readOnlyRootFilesystem", "runAsGroup", "runAsNonRoot", "runAsUser", "seLinuxOptions",
     "seccompProfile"},
    {},
    {"appArmorProfile", "windowsOptions"}};
const FieldTable kCapabilities{{"add", "drop"}, {}, {}};
const FieldTable kSelinux{{"level", "role", "type", "user"}, {}, {"fileType"}};
const FieldTable kSeccomp{{"type"}, {}, {"localhostProfile"}};
const FieldTable kSysctl{{"name", "value"}, {}, {}};
const FieldTable kHostAlias{{"hostnames", "ip"}, {}, {}};
const FieldTable kDnsConfig{{"nameservers", "options", "searches"}, {}, {}};
const FieldTable kDnsOption{{"name", "value"}, {}, {}};
const FieldTable kProbe{
    {"exec", "failureThreshold", "grpc", "httpGet", "initialDelaySeconds", "periodSeconds",
     "successThreshold", "tcpSocket", "terminationGracePeriodSeconds", "timeoutSeconds"},
    {},
    {}};
const FieldTable kHttpGet{{"host", "httpHeaders", "path", "port", "scheme"}, {}, {}};
const FieldTable kHttpHeader{{"name", "value"}, {}, {}};
const FieldTable kTcpSocket{{"host", "port"}, {}, {}};
const FieldTable kGrpc{{"port", "service"}, {}, {}};
const FieldTable kExec{{"command"}, {}, {}};

const FieldTable kLifecycle{{"preStop"}, {}, {"postStart", "stopSignal"}};
const FieldTable kLifecycleHandler{{"exec", "httpGet", "sleep", "tcpSocket"}, {}, {}};
const FieldTable kLifecycleExec{{"command"}, {}, {}};
const FieldTable kLifecycleSleep{{"seconds"}, {}, {}};

const FieldTable kAppRoot{{"app"}, {}, {}};
const FieldTable kApp{
    {"autostart", "companions", "conditions", "container", "depends_on", "description",
     "environment", "health", "health_check", "id", "name", "ports", "ready", "resources",
     "restart", "stop_grace_secs", "version", "volumes"},
    {},
    {"category", "container_name", "containers", "data_uid", "dependencies", "devices", "files",
     "hooks", "interfaces", "metadata", "pods", "security", "update", "upstream"}};
const FieldTable kAppContainer{
    {"command", "entrypoint", "environment", "image"},
    {},
    {"build", "custom_args", "data_uid", "derived_env", "generated_certs", "generated_secrets",
     "image_signature", "network", "network_aliases", "pull_policy", "secret_env"}};
const FieldTable kAppPort{
    {"bind", "container", "host", "protocol"}, {}, {"auth", "auth_rationale"}};
const FieldTable kAppVolume{{"options", "source", "target", "type"}, {}, {}};
const FieldTable kAppResources{{"cpu_limit", "memory_limit"}, {}, {"disk_limit"}};
const FieldTable kAppHealth{{"liveness", "readiness", "startup"}, {}, {}};
const FieldTable kAppHealthCheck{
    {"endpoint", "interval", "path", "retries", "timeout", "type"}, {}, {}};
const FieldTable kAppDependency{{"app", "companion", "is", "policy"}, {}, {}};
const FieldTable kAppCondition{
    {"all", "any", "app", "image", "is", "network", "path", "port", "time", "unit"}, {}, {}};
const FieldTable kCompanion{{"depends_on", "file", "instances", "name", "restart", "text"}, {}, {}};

}  // namespace fields
}  // namespace podreeve::manifests
