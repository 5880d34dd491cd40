#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "manifests/fields.h"
#include "manifests/node.h"
#include "runtime/base/diagnostic.h"

namespace podreeve::manifests {

// How a scalar that is not quoted becomes text.
enum class Reading {
    Typed,     // as Kubernetes: 8080 and true are no strings
    Verbatim,  // as it stands in the file
};

// A node at a path, read with its type checked: what does not fit becomes a diagnostic and an empty
// answer, so that one pass over a manifest finds all that is wrong with it. A field that is missing
// or null is a Place too; it knows where its parent is. Holds pointers into the tree and to the
// list of diagnostics, both of which must outlive it.
class Place {
  public:
    Place(const Node& node, std::string path, std::vector<Diagnostic>& diagnostics);

    bool present() const { return node_ != nullptr; }

    bool is_map() const { return node_ != nullptr && node_->kind == NodeKind::Map; }

    bool is_list() const { return node_ != nullptr && node_->kind == NodeKind::List; }

    bool is_scalar() const { return node_ != nullptr && node_->kind == NodeKind::Scalar; }

    const Node* node() const { return node_; }

    const std::string& path() const { return path_; }

    // Where it is, or where the nearest thing is that holds it.
    SourcePosition position() const;

    // The value under that key; absent when there is none, or when this is no map (which is told).
    Place operator[](std::string_view key) const;

    // Reads this as a map of which only the fields of table may be there. False when it is no map.
    bool check_fields(const FieldTable& table) const;

    // Present, or a diagnostic "is missing".
    bool require() const;

    std::optional<std::string> text(Reading reading = Reading::Typed) const;
    // As text, but present and not empty.
    std::optional<std::string> required_text(Reading reading = Reading::Typed) const;
    std::optional<bool> boolean() const;
    std::optional<std::int64_t> integer(std::int64_t min, std::int64_t max) const;
    // File permissions: 0644, 0o644 or 420.
    std::optional<std::uint32_t> file_mode() const;
    // One of words; a diagnostic names them all otherwise.
    std::optional<std::string> one_of(const std::vector<std::string>& words) const;

    std::vector<Place> items() const;                            // of a list; empty when absent
    std::vector<std::pair<std::string, Place>> entries() const;  // of a map; empty when absent
    std::vector<std::string> texts(Reading reading = Reading::Typed) const;

    // Absolute, without ".." and without a trailing slash.
    std::optional<std::string> absolute_path() const;
    // The same of value, which is a part of what stands here.
    std::optional<std::string> as_absolute_path(const std::string& value) const;

    // Where the key of this place stands, which is what an unknown field is about.
    SourcePosition key_position() const;

    void fail(std::string message, std::string allowed = {}, std::string nearest = {}) const;
    void fail_at_key(std::string message, std::string allowed = {}, std::string nearest = {}) const;

  private:
    Place(const Node* node,
          const Node* parent,
          const MapEntry* entry,
          std::string path,
          std::vector<Diagnostic>* diagnostics);

    void report_unknown(const FieldTable& table, const MapEntry& entry) const;
    std::string child_path(std::string_view key) const;

    const Node* node_ = nullptr;    // null: absent
    const Node* parent_ = nullptr;  // of an absent one
    const MapEntry* entry_ = nullptr;
    std::string path_;
    std::vector<Diagnostic>* diagnostics_;
};

}  // namespace podreeve::manifests
