#pragma once

#include <string>

namespace podreeve::integration {

// An app of one container, called as its id, with what the tests change about it.
struct SingleApp {
    std::string id = "clock";
    std::string image = "localhost/busybox:latest";
    std::string command = "[serve]";
    std::string zone = "UTC";  // an environment variable
    int port = 0;              // on the host; 0: none
    std::string more{};        // lines below `app:`, indented by two
};

std::string to_text(const SingleApp& app);

// Two pods in the Kubernetes dialect: shop-db with a volume, a ConfigMap in its environment and a
// Secret as files, and shop-web with a ConfigMap as files and a host port. Containers: shop-db-db,
// shop-web-web.
struct ShopApp {
    std::string web_image = "localhost/busybox:latest";
    std::string db_name = "shop";  // in the ConfigMap
    std::string web_zone = "UTC";
    int port = 28080;
    std::string page = "the shop is open";
};

std::string to_text(const ShopApp& app);

}  // namespace podreeve::integration
