#include "tests/integration/manifest_texts.h"

#include <fmt/format.h>

namespace podreeve::integration {

std::string to_text(const SingleApp& app) {
    std::string text = fmt::format(R"(app:
  id: {}
  name: An app
  version: 1.0.0
  container:
    image: {}
    command: {}
    environment:
      TZ: {}
)",
                                   app.id, app.image, app.command, app.zone);
    if (app.port != 0) {
        text += fmt::format("  ports:\n    - host: {}\n      container: 80\n", app.port);
    }
    return text + app.more;
}

std::string to_text(const ShopApp& app) {
    return fmt::format(R"(apiVersion: v1
kind: ConfigMap
metadata:
  name: shop-pages
data:
  index.html: {}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: shop-settings
data:
  DB_NAME: {}
---
apiVersion: v1
kind: Secret
metadata:
  name: shop-password
stringData:
  password: not-for-logs
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: shop-data
spec:
  accessModes: [ReadWriteOnce]
  resources:
    requests:
      storage: 1Gi
---
apiVersion: v1
kind: Pod
metadata:
  name: shop-db
spec:
  containers:
    - name: db
      image: localhost/busybox:latest
      command: [database]
      envFrom:
        - configMapRef:
            name: shop-settings
      volumeMounts:
        - name: data
          mountPath: /data
        - name: password
          mountPath: /run/password
  volumes:
    - name: data
      persistentVolumeClaim:
        claimName: shop-data
    - name: password
      secret:
        secretName: shop-password
---
apiVersion: v1
kind: Pod
metadata:
  name: shop-web
spec:
  containers:
    - name: web
      image: {}
      command: [httpd]
      env:
        - name: TZ
          value: {}
      ports:
        - containerPort: 80
          hostPort: {}
      volumeMounts:
        - name: pages
          mountPath: /www
  volumes:
    - name: pages
      configMap:
        name: shop-pages
)",
                       app.page, app.db_name, app.web_image, app.web_zone, app.port);
}

}  // namespace podreeve::integration
