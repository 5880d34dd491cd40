// Images, volumes, networks, secrets. The traps, and after them the tests that show them:
//
// - an image that is not there is 404: UnknownImageIsNotFound
// - a failed pull is an error inside a 200: PullFailsInsideA200
// - a pull tells its progress and ends with the id: PullTellsProgressAndId
// - a volume that exists is 500, one in use 409: VolumesKeepWhatTheyWereMadeWith,
//   VolumeInUseIsNotRemoved
// - the name in a volume's DELETE may be the beginning of one:
//   ADeleteOfAVolumeThatIsNotThereTakesOneWhoseNameBeginsSo, VolumesAreRemovedByTheirLabel
// - a network that exists is 409, or fine where ignoreIfExists is known: NetworkThatExistsIsOk
// - a network in use is 500 or 409, an absent one at create 500: NetworkInUseIsConflict
// - a secret that exists is 500: SecretThatExistsIsConflict
// - a secret's data is never shown, nor in an error: SecretsAreNeverShown
// - 4.3 drops the labels of secrets: SecretLabelsComeBackFrom5On
#include <algorithm>
#include <cstdlib>

#include "tests/contract/subject.h"

namespace podreeve::contract {
namespace {

std::string registry() {
    const char* address = std::getenv("PODREEVE_REGISTRY");
    return address == nullptr ? "localhost:5000" : address;
}

constexpr const char* kVolumeLabel = "io.podreeve.volume";

podman::VolumeDetails volume(const std::string& name, const std::string& mark = "") {
    podman::VolumeDetails details;
    details.name = name;
    details.labels = {{"io.podreeve.app", "shop"}};
    if (!mark.empty()) {
        details.labels[kVolumeLabel] = mark;
    }
    return details;
}

podman::NetworkDetails network(const std::string& name) {
    podman::NetworkDetails details;
    details.name = name;
    details.driver = "bridge";
    details.dns_enabled = true;
    details.labels = {{"io.podreeve.app", "shop"}};
    return details;
}

TEST_F(Contract, UnknownImageIsNotFound) {
    EXPECT_EQ(client_->image_exists(kImage, call()), true);
    EXPECT_EQ(client_->image_exists("localhost/contract-nope:1", call()), false);
    EXPECT_FAILS(NotFound, client_->inspect_image("localhost/contract-nope:1", call()));
    const auto image = client_->inspect_image(kImage, call());
    ASSERT_OK(image);
    EXPECT_EQ(image->id.size(), 64U);
    EXPECT_EQ(image->digest.substr(0, 7), "sha256:");
    EXPECT_EQ(image->names, Names{kImage});
}

TEST_F(Contract, PullFailsInsideA200) {
    const std::string reference = registry() + "/contract-nope:1";
    Names progress;
    const auto take = [&](const std::string& line) { progress.push_back(line); };
    const auto refused = client_->pull_image(reference, false, take, call());
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("contract-nope"), std::string::npos)
        << refused.error().message;
    ASSERT_FALSE(progress.empty());
    EXPECT_NE(progress.front().find("Trying to pull " + reference), std::string::npos)
        << progress.front();
    const http::Response reply =
        raw("POST", "images/pull?tlsVerify=false&reference=" + http::encode(reference));
    EXPECT_EQ(reply.status, 200);
    EXPECT_NE(reply.body.find("\"error\""), std::string::npos) << reply.body;
    EXPECT_EQ(client_->image_exists(reference, call()), false);
}

TEST_F(Contract, PullOfWhatIsNoReferenceFails) {
    EXPECT_FALSE(client_->pull_image(
        "contract:::", false, [](const std::string&) {}, call()));
}

TEST_F(Contract, PullTellsProgressAndId) {
    const std::string reference = registry() + "/contract-image:1";
    if (real()) {
        const std::string destination = http::encode(reference);
        const http::Response pushed =
            raw("POST", "images/" + http::encode(kImage) +
                            "/push?tlsVerify=false&destination=" + destination);
        if (pushed.status != 200 || pushed.body.find("\"error\"") != std::string::npos) {
            // No registry beside this podman: then the pull must say so.
            EXPECT_FALSE(client_->pull_image(
                reference, false, [](const std::string&) {}, call()));
            return;
        }
    } else {
        fake().add_to_registry(
            reference, {}, {"Getting image source signatures", "Copying blob", "Copying config"});
    }
    Names progress;
    const auto id = client_->pull_image(
        reference, false, [&](const std::string& line) { progress.push_back(line); }, call());
    ASSERT_OK(id);
    EXPECT_GE(progress.size(), 2U);
    EXPECT_EQ(client_->inspect_image(reference, call())->id, *id);
    EXPECT_EQ(raw("DELETE", "images/" + http::encode(reference)).status, 200);
}

TEST_F(Contract, VolumesKeepWhatTheyWereMadeWith) {
    ASSERT_OK(client_->create_volume(volume("contract-data"), call()));
    EXPECT_FAILS(Conflict, client_->create_volume(volume("contract-data"), call()));
    const auto made = client_->inspect_volume("contract-data", call());
    ASSERT_OK(made);
    EXPECT_EQ(made->labels.at("io.podreeve.app"), "shop");
    EXPECT_EQ(made->driver, "local");
    EXPECT_TRUE(made->mountpoint.ends_with("/contract-data/_data")) << made->mountpoint;
    EXPECT_FALSE(made->anonymous);
    const auto all = client_->list_volumes(call());
    ASSERT_OK(all);
    EXPECT_TRUE(std::any_of(all->begin(), all->end(), [](const podman::VolumeDetails& one) {
        return one.name == "contract-data" && one.labels.contains("io.podreeve.app");
    }));
}

TEST_F(Contract, VolumesAreRemovedByTheirLabel) {
    ASSERT_OK(client_->create_volume(volume("contract-data", "contract/data"), call()));
    ASSERT_OK(client_->create_volume(volume("contract-data-2", "contract/data-2"), call()));
    const auto removed = client_->remove_volumes_with(kVolumeLabel, "contract/data", call());
    ASSERT_OK(removed);
    EXPECT_EQ(*removed, std::vector<std::string>{"contract-data"});
    EXPECT_FAILS(NotFound, client_->inspect_volume("contract-data", call()));
    const auto again = client_->remove_volumes_with(kVolumeLabel, "contract/data", call());
    ASSERT_OK(again);
    EXPECT_TRUE(again->empty());
    EXPECT_OK(client_->inspect_volume("contract-data-2", call()));
}

// Why volumes are not removed by their names.
TEST_F(Contract, ADeleteOfAVolumeThatIsNotThereTakesOneWhoseNameBeginsSo) {
    ASSERT_OK(client_->create_volume(volume("contract-data"), call()));
    EXPECT_FAILS(NotFound, client_->inspect_volume("contract-da", call()));
    EXPECT_EQ(raw("DELETE", "volumes/contract-da").status, 204);
    EXPECT_FAILS(NotFound, client_->inspect_volume("contract-data", call()));
}

TEST_F(Contract, VolumeInUseIsNotRemoved) {
    ASSERT_OK(client_->create_volume(volume("contract-data", "contract/data"), call()));
    make("contract-user", stubborn(), "", [](podman::ContainerCreate& create) {
        create.volumes = {{"contract-data", "/data", "", {}}};
    });
    const auto removed = client_->remove_volumes_with(kVolumeLabel, "contract/data", call());
    ASSERT_OK(removed);
    EXPECT_TRUE(removed->empty());
    ASSERT_OK(client_->inspect_volume("contract-data", call()));
    EXPECT_EQ(raw("DELETE", "volumes/contract-data").status, 409);
    EXPECT_NE(row("contract-user").id, "");
    // And with force it takes the container along, which is why nobody here asks for it.
    EXPECT_EQ(raw("DELETE", "volumes/contract-data?force=true").status, 204);
    EXPECT_EQ(row("contract-user").id, "");
}

TEST_F(Contract, NetworkThatExistsIsOk) {
    ASSERT_OK(client_->create_network(network("contract-net"), call()));
    EXPECT_OK(client_->create_network(network("contract-net"), call()));
    EXPECT_EQ(raw("POST", "networks/create", R"({"name":"contract-net"})").status, 409);
    const auto all = client_->list_networks(call());
    ASSERT_OK(all);
    const auto made = std::find_if(all->begin(), all->end(), [](const podman::NetworkDetails& one) {
        return one.name == "contract-net";
    });
    ASSERT_NE(made, all->end());
    EXPECT_EQ(made->driver, "bridge");
    EXPECT_TRUE(made->dns_enabled);
    EXPECT_EQ(made->labels.at("io.podreeve.app"), "shop");
    EXPECT_EQ(made->id.size(), 64U);
}

TEST_F(Contract, NetworkInUseIsConflict) {
    ASSERT_OK(client_->create_network(network("contract-net"), call()));
    make_pod("contract-p", [](podman::PodCreate& create) {
        create.netns = "bridge";
        create.networks = {{"contract-net", {"web"}}};
    });
    EXPECT_FAILS(Conflict, client_->remove_network("contract-net", call()));
    ASSERT_OK(client_->remove_pod("contract-p", true, call()));
    EXPECT_OK(client_->remove_network("contract-net", call()));
    EXPECT_EQ(raw("GET", "networks/contract-net/json").status, 404);
}

TEST_F(Contract, SecretThatExistsIsConflict) {
    podman::SecretDetails secret;
    secret.name = "contract-secret";
    ASSERT_OK(client_->create_secret(secret, "first", call()));
    EXPECT_FAILS(Conflict, client_->create_secret(secret, "second", call()));
    EXPECT_OK(client_->remove_secret("contract-secret", call()));
    EXPECT_OK(client_->create_secret(secret, "third", call()));
}

TEST_F(Contract, SecretsAreNeverShown) {
    podman::SecretDetails secret;
    secret.name = "contract-secret";
    ASSERT_OK(client_->create_secret(secret, "hush-hush-hush", call()));
    EXPECT_EQ(raw("GET", "secrets/contract-secret/json").body.find("hush"), std::string::npos);
    EXPECT_EQ(raw("GET", "secrets/json").body.find("hush"), std::string::npos);
    const auto refused = client_->create_secret(secret, "hush-hush-hush", call());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message.find("hush"), std::string::npos);
}

TEST_F(Contract, SecretLabelsComeBackFrom5On) {
    podman::SecretDetails secret;
    secret.name = "contract-secret";
    secret.labels = {{"io.podreeve.app", "shop"}};
    ASSERT_OK(client_->create_secret(secret, "data", call()));
    const auto all = client_->list_secrets(call());
    ASSERT_OK(all);
    const auto made = std::find_if(all->begin(), all->end(), [](const podman::SecretDetails& one) {
        return one.name == "contract-secret";
    });
    ASSERT_NE(made, all->end());
    EXPECT_FALSE(made->id.empty());
    EXPECT_EQ(made->labels.contains("io.podreeve.app"), at_least(5, 0));
}

}  // namespace
}  // namespace podreeve::contract
