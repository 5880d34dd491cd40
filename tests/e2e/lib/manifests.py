"""The manifests the cases drop in; every image is made of busybox."""

import textwrap

# A main process that ends at once on SIGTERM, which PID 1 only does with a handler.
WAIT = 'trap \\"exit 0\\" TERM; sleep 1000000 & wait'

SHOP = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: shop-pages}
data:
  index.html: |
    {page}
---
apiVersion: v1
kind: Secret
metadata: {name: shop-db}
stringData:
  password: {password}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: shop-data}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
---
apiVersion: v1
kind: Pod
metadata:
  name: shop-web
  labels: {tier: front}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: httpd
      image: {web_image}
      command: [httpd, -f, -p, "80", -h, /pages]
      ports: [{containerPort: 80, hostPort: {port}}]
      volumeMounts: [{name: pages, mountPath: /pages, readOnly: true}]
    - name: side
      image: localhost/busybox:latest
      command: [sh, -c, "WAIT"]
      env: [{name: COLOR, value: {color}}]
  volumes:
    - name: pages
      configMap: {name: shop-pages}
---
apiVersion: v1
kind: Pod
metadata: {name: shop-db}
spec:
  terminationGracePeriodSeconds: 1
  initContainers:
    - name: prepare
      image: localhost/busybox:latest
      command: [sh, -c, "echo prepared > /data/prepared"]
      volumeMounts: [{name: data, mountPath: /data}]
  containers:
    - name: db
      image: localhost/busybox:latest
      command: [sh, -c, "echo $PASSWORD > /data/password; echo start >> /data/starts; WAIT"]
      env:
        - name: PASSWORD
          valueFrom: {secretKeyRef: {name: shop-db, key: password}}
      volumeMounts: [{name: data, mountPath: /data}]
  volumes:
    - name: data
      persistentVolumeClaim: {claimName: shop-data}
""".replace("WAIT", WAIT)

SHOP_CONTAINERS = ("shop-web-httpd", "shop-web-side", "shop-db-db")


def shop(page="hello", password="s3cret-Pa55", web_image="localhost/busybox:latest", port=8080, color="red"):
    """An app of two pods: a web server with pages from a ConfigMap, a database with a volume and a Secret."""
    text = SHOP
    for key, value in (("page", page), ("password", password), ("web_image", web_image), ("port", port),
                       ("color", color)):
        text = text.replace("{" + key + "}", str(value))
    return text


def single(name="beat", image="localhost/busybox:latest", extra="", environment=("BEAT=1",)):
    """An app of one container in the app dialect."""
    text = textwrap.dedent("""\
        app:
          id: NAME
          name: NAME
          version: "1"
          container:
            image: IMAGE
            entrypoint: [sh, -c]
            command: ["WAIT"]
            environment: [ENVIRONMENT]
        """)
    text = text.replace("NAME", name).replace("IMAGE", image).replace("WAIT", WAIT)
    text = text.replace("ENVIRONMENT", ", ".join(f'"{item}"' for item in environment))
    return text + textwrap.indent(textwrap.dedent(extra), "  ")


def pod(name, port=None, image="localhost/busybox:latest", env="1"):
    """An app of one pod with one container."""
    ports = f"      ports: [{{containerPort: 80, hostPort: {port}}}]\n" if port else ""
    return textwrap.dedent(f"""\
        apiVersion: v1
        kind: Pod
        metadata: {{name: {name}}}
        spec:
          terminationGracePeriodSeconds: 1
          containers:
            - name: main
              image: {image}
              command: [sh, -c, "{WAIT}"]
              env: [{{name: VALUE, value: "{env}"}}]
        """) + ports
