#include "manifests/merge.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

namespace podreeve::manifests {
namespace {

const Node* child(const Node& node, std::string_view key) {
    const MapEntry* entry = node.find(key);
    return entry == nullptr ? nullptr : entry->value.get();
}

bool all_have(const std::vector<NodePtr>& items, std::string_view key) {
    return std::all_of(items.begin(), items.end(), [&](const NodePtr& item) {
        const Node* value = child(*item, key);
        return value != nullptr && value->kind == NodeKind::Scalar;
    });
}

// The field that names the items of both lists, or empty when they are no lists of named things.
std::string_view naming_field(const Node& base, const Node& over) {
    if (base.items.empty() || over.items.empty()) {
        return {};
    }
    // A mount is named by where it stands: its name is the volume's and may be there twice.
    for (const std::string_view key :
         {"mountPath", "target", "containerPort", "name", "container", "app"}) {
        if (all_have(base.items, key) && all_have(over.items, key)) {
            return key;
        }
    }
    return {};
}

std::string name_of(const Node& item, std::string_view key) {
    std::string name = child(item, key)->text;
    // 53/tcp and 53/udp are two ports.
    if (key == "containerPort" || key == "container") {
        const Node* protocol = child(item, "protocol");
        name += protocol == nullptr ? "" : "/" + protocol->text;
    }
    return name;
}

std::optional<std::string> variable_of(const Node& item) {
    const std::size_t equals = item.text.find('=');
    if (item.kind != NodeKind::Scalar || equals == std::string::npos) {
        return std::nullopt;
    }
    return item.text.substr(0, equals);
}

// items of base, each replaced or merged by the one of over with the same name; then over's rest.
template <class NameOf, class Combine>
NodePtr merge_items(const Node& base, const Node& over, NameOf name, Combine combine) {
    auto out = std::make_shared<Node>(over);
    out->items = base.items;
    for (const NodePtr& item : over.items) {
        const auto wanted = name(*item);
        const auto same =
            std::find_if(out->items.begin(), out->items.end(),
                         [&](const NodePtr& other) { return name(*other) == wanted; });
        if (same == out->items.end()) {
            out->items.push_back(item);
        } else {
            *same = combine(*same, item);
        }
    }
    return out;
}

NodePtr merge_lists(const NodePtr& base, const NodePtr& over, bool environment) {
    const std::string_view key = naming_field(*base, *over);
    if (!key.empty()) {
        return merge_items(
            *base, *over, [&](const Node& item) { return name_of(item, key); }, merge);
    }
    if (environment) {
        return merge_items(*base, *over, variable_of,
                           [](const NodePtr&, const NodePtr& item) { return item; });
    }
    return over;
}

NodePtr merge_maps(const NodePtr& base, const NodePtr& over);

NodePtr merge_values(const std::string& key, const NodePtr& base, const NodePtr& over) {
    if (base->kind == NodeKind::List && over->kind == NodeKind::List) {
        return merge_lists(base, over, key == "environment");
    }
    return merge(base, over);
}

NodePtr merge_maps(const NodePtr& base, const NodePtr& over) {
    auto out = std::make_shared<Node>(*base);
    for (const MapEntry& entry : over->entries) {
        const auto same =
            std::find_if(out->entries.begin(), out->entries.end(),
                         [&](const MapEntry& other) { return other.key == entry.key; });
        if (entry.value->kind == NodeKind::Null) {
            if (same != out->entries.end()) {
                out->entries.erase(same);
            }
        } else if (same == out->entries.end()) {
            out->entries.push_back(entry);
        } else {
            MapEntry merged = entry;
            merged.value = merge_values(entry.key, same->value, entry.value);
            *same = std::move(merged);
        }
    }
    return out;
}

std::string scalar_at(const Node& document, std::string_view key) {
    const Node* node = child(document, key);
    return node != nullptr && node->kind == NodeKind::Scalar ? node->text : "";
}

// "Pod web", or empty for what is no Kubernetes document.
std::string identity(const Node& document) {
    const std::string kind = scalar_at(document, "kind");
    const Node* metadata = child(document, "metadata");
    const std::string name = metadata == nullptr ? "" : scalar_at(*metadata, "name");
    return kind.empty() || name.empty() ? "" : kind + " " + name;
}

void merge_document(std::vector<NodePtr>& documents,
                    const NodePtr& over,
                    std::vector<Diagnostic>& diagnostics) {
    const std::string name = identity(*over);
    if (name.empty()) {
        const bool app = over->find("app") != nullptr && documents.size() == 1 &&
                         documents[0]->find("app") != nullptr;
        if (app) {
            documents[0] = merge(documents[0], over);
            return;
        }
        diagnostics.push_back({over->position(), "", "a drop-in must say what it changes",
                               "app:, or kind and metadata.name of a document", "",
                               Severity::Error});
        return;
    }
    for (NodePtr& document : documents) {
        if (identity(*document) == name) {
            document = merge(document, over);
            return;
        }
    }
    documents.push_back(over);
}

}  // namespace

NodePtr merge(const NodePtr& base, const NodePtr& over) {
    if (base->kind == NodeKind::Map && over->kind == NodeKind::Map) {
        return merge_maps(base, over);
    }
    if (base->kind == NodeKind::List && over->kind == NodeKind::List) {
        return merge_lists(base, over, false);
    }
    return over;
}

void merge_documents(std::vector<NodePtr>& documents,
                     const std::vector<NodePtr>& drop_in,
                     std::vector<Diagnostic>& diagnostics) {
    for (const NodePtr& over : drop_in) {
        merge_document(documents, over, diagnostics);
    }
}

}  // namespace podreeve::manifests
