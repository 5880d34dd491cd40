#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "runtime/base/diagnostic.h"

// A YAML document as a tree that knows where each thing was written. Immutable and shared: an alias
// is the same node again, a merged tree shares what it took over. Any thread may read it.
namespace podreeve::manifests {

enum class NodeKind { Null, Scalar, List, Map };

struct Node;
using NodePtr = std::shared_ptr<const Node>;
using FileName = std::shared_ptr<const std::string>;

struct MapEntry {
    std::string key;
    int line = 0;  // of the key
    int column = 0;
    FileName file;
    NodePtr value;
};

struct Node {
    NodeKind kind = NodeKind::Null;
    bool plain = true;  // a scalar without quotes, whose text decides on its type
    std::string text;
    std::vector<NodePtr> items;
    std::vector<MapEntry> entries;  // in the order written, keys unique
    int line = 0;
    int column = 0;
    FileName file;
    std::size_t size = 1;  // nodes in this tree, aliases counted each time

    SourcePosition position() const { return {file ? *file : "", line, column}; }

    // Null when there is no such entry or this is not a map.
    const MapEntry* find(std::string_view key) const;
};

}  // namespace podreeve::manifests
