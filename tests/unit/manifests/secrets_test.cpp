#include <gtest/gtest.h>

#include "manifests/model.h"
#include "tests/unit/manifests/compiling.h"

namespace podreeve::manifests {
namespace {

// A Secret with a value that a variable takes, another puts among words of its own, and that is a
// file, beside things that are no secret.
const char* const kManifest = R"yaml(apiVersion: v1
kind: Secret
metadata: {name: key}
stringData: {pw: TOPSECRET42}
data: {pem: bGluZS1vbmUtb2YtaXQKbGluZS10d28tb2YtaXQK}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: plain}
data: {color: greenish}
---
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  volumes:
    - {name: keys, secret: {secretName: key}}
    - {name: plain, configMap: {name: plain}}
  containers:
    - name: c
      image: localhost/busybox:latest
      command: ["/bin/app-$(PW)"]
      env:
        - {name: PW, valueFrom: {secretKeyRef: {name: key, key: pw}}}
        - {name: URL, value: "db://root:$(PW)@db"}
        - {name: COLOR, value: greenish}
      volumeMounts:
        - {name: keys, mountPath: /keys}
        - {name: plain, mountPath: /plain}
)yaml";

TEST(SecretsOfAnApp, AreNotToldInTheWordsOfOthers) {
    const AppSpec app = app_of(kManifest);
    const std::string words = "crun: executable file '" + app.containers.at(0).entrypoint.at(0) +
                              "' not found, line-two-of-it, greenish";
    EXPECT_EQ(without_secrets_of(&app, words),
              "crun: executable file '/bin/app-[secret]' not found, [secret], greenish");
    EXPECT_EQ(without_secrets_of(nullptr, words), words);
}

TEST(SecretsOfAnApp, AreAlsoVariablesAndFilesWhoseSecretIsNotAmongItsOwn) {
    AppSpec app = app_of(kManifest);
    app.secrets.clear();
    EXPECT_EQ(without_secrets_of(&app, "no db://root:TOPSECRET42@db, line-one-of-it"),
              "no [secret], [secret]");
}

}  // namespace
}  // namespace podreeve::manifests
