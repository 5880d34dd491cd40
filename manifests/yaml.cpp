#include "manifests/yaml.h"

#include <algorithm>
#include <exception>
#include <optional>
#include <sstream>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "runtime/base/utf8.h"

namespace podreeve::manifests {

const MapEntry* Node::find(std::string_view key) const {
    for (const MapEntry& entry : entries) {
        if (entry.key == key) {
            return &entry;
        }
    }
    return nullptr;
}

namespace {

// Thrown out of the event handler to stop the parser; never leaves this file.
struct Refusal {
    YAML::Mark mark;
    std::string message;
};

bool is_null_text(const std::string& text) {
    return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

// Builds nodes from the parser's events, with the bounds checked as they come, so that neither a
// deep nor a wide document is ever held whole.
class TreeBuilder final : public YAML::EventHandler {
  public:
    TreeBuilder(FileName file, std::vector<Diagnostic>& diagnostics)
        : file_(std::move(file)), diagnostics_(diagnostics) {}

    NodePtr take_root() { return std::exchange(root_, nullptr); }

    void OnDocumentStart(const YAML::Mark&) override {
        frames_.clear();
        anchors_.clear();
        root_ = nullptr;
    }

    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        add(make_node(mark, NodeKind::Null), anchor, mark);
    }

    void OnScalar(const YAML::Mark& mark,
                  const std::string& tag,
                  YAML::anchor_t anchor,
                  const std::string& value) override {
        const bool plain = tag == "?" || tag.empty();
        refuse_tag(mark, plain || tag == "!");
        auto node =
            make_node(mark, plain && is_null_text(value) ? NodeKind::Null : NodeKind::Scalar);
        node->plain = plain;
        node->text = value;
        if (value.find('\0') != std::string::npos) {
            complain(*node, "there is a NUL byte in this value");
        }
        add(std::move(node), anchor, mark);
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        const auto found = anchors_.find(anchor);
        if (found == anchors_.end()) {
            throw Refusal{mark, "an alias cannot stand inside what it names"};
        }
        add(found->second, 0, mark);
    }

    void OnSequenceStart(const YAML::Mark& mark,
                         const std::string& tag,
                         YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        refuse_tag(mark, tag == "?" || tag.empty());
        open(mark, NodeKind::List, anchor);
    }

    void OnSequenceEnd() override { close(); }

    void OnMapStart(const YAML::Mark& mark,
                    const std::string& tag,
                    YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        refuse_tag(mark, tag == "?" || tag.empty());
        open(mark, NodeKind::Map, anchor);
    }

    void OnMapEnd() override { close(); }

  private:
    struct Frame {
        std::shared_ptr<Node> node;
        YAML::anchor_t anchor = 0;
        std::unordered_set<std::string> keys;
        NodePtr key;                 // read, its value not yet
        std::vector<NodePtr> bases;  // what "<<" names, in order
    };

    std::shared_ptr<Node> make_node(const YAML::Mark& mark, NodeKind kind) {
        auto node = std::make_shared<Node>();
        node->kind = kind;
        node->line = mark.line + 1;
        node->column = mark.column + 1;
        node->file = file_;
        return node;
    }

    // Which one is not said: it may be a password that begins with '!'.
    static void refuse_tag(const YAML::Mark& mark, bool harmless) {
        if (!harmless) {
            throw Refusal{mark,
                          "a tag is not allowed here; a value that begins with '!' has to be "
                          "in quotes"};
        }
    }

    void open(const YAML::Mark& mark, NodeKind kind, YAML::anchor_t anchor) {
        if (frames_.size() >= kMaxDepth) {
            throw Refusal{mark, fmt::format("nested deeper than {} levels", kMaxDepth)};
        }
        count(mark, 1);
        frames_.push_back({make_node(mark, kind), anchor, {}, nullptr, {}});
    }

    void close() {
        Frame frame = std::move(frames_.back());
        frames_.pop_back();
        for (const NodePtr& base : frame.bases) {
            merge_base(frame, *base);
        }
        place(std::move(frame.node), frame.anchor);
    }

    void add(NodePtr node, YAML::anchor_t anchor, const YAML::Mark& mark) {
        count(mark, node->size);
        place(std::move(node), anchor);
    }

    void count(const YAML::Mark& mark, std::size_t nodes) {
        total_ += nodes;
        if (total_ > kMaxNodes) {
            throw Refusal{mark,
                          fmt::format("more than {} values, aliases counted each time", kMaxNodes)};
        }
    }

    void place(NodePtr node, YAML::anchor_t anchor) {
        if (anchor != 0) {
            anchors_[anchor] = node;
        }
        if (frames_.empty()) {
            root_ = std::move(node);
            return;
        }
        Frame& frame = frames_.back();
        frame.node->size += node->size;
        if (frame.node->kind == NodeKind::List) {
            frame.node->items.push_back(std::move(node));
        } else if (!frame.key) {
            frame.key = std::move(node);
        } else {
            place_entry(frame, std::exchange(frame.key, nullptr), std::move(node));
        }
    }

    void place_entry(Frame& frame, const NodePtr& key, NodePtr value) {
        const bool is_merge = key->kind == NodeKind::Scalar && key->plain && key->text == "<<";
        if (is_merge) {
            return take_bases(frame, *key, value);
        }
        if (key->kind == NodeKind::List || key->kind == NodeKind::Map) {
            return complain(*key, "a key must be a single word, not a list or a map");
        }
        if (!frame.keys.insert(key->text).second) {
            return complain(*key, fmt::format("the key '{}' is there twice", key->text));
        }
        frame.node->entries.push_back({key->text, key->line, key->column, file_, std::move(value)});
    }

    void take_bases(Frame& frame, const Node& key, const NodePtr& value) {
        const std::vector<NodePtr> bases =
            value->kind == NodeKind::List ? value->items : std::vector<NodePtr>{value};
        for (const NodePtr& base : bases) {
            if (base->kind != NodeKind::Map) {
                return complain(key, "'<<' takes a map or a list of maps");
            }
            frame.bases.push_back(base);
        }
    }

    static void merge_base(Frame& frame, const Node& base) {
        for (const MapEntry& entry : base.entries) {
            if (frame.keys.insert(entry.key).second) {
                frame.node->entries.push_back(entry);
            }
        }
    }

    void complain(const Node& at, std::string message) {
        diagnostics_.push_back({at.position(), "", std::move(message), "", "", Severity::Error});
    }

    FileName file_;
    std::vector<Diagnostic>& diagnostics_;
    std::vector<Frame> frames_;
    std::unordered_map<YAML::anchor_t, NodePtr> anchors_;
    std::size_t total_ = 0;
    NodePtr root_;
};

SourcePosition position_of(const std::string& file, std::string_view text, std::size_t offset) {
    int line = 1;
    std::size_t line_start = 0;
    for (std::size_t i = 0; i < offset; ++i) {
        if (text[i] == '\n') {
            ++line;
            line_start = i + 1;
        }
    }
    return {file, line, static_cast<int>(offset - line_start) + 1};
}

Diagnostic error_at(SourcePosition position, std::string message) {
    return {std::move(position), "", std::move(message), "", "", Severity::Error};
}

SourcePosition to_position(const std::string& file, const YAML::Mark& mark) {
    if (mark.is_null()) {
        return {file, 0, 0};
    }
    return {file, mark.line + 1, mark.column + 1};
}

// YAML reads a carriage return before a line feed as part of the line's end; yaml-cpp lets it slip
// into some scalars, so it goes before the parser sees it.
std::string without_carriage_returns(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\r' || i + 1 >= text.size() || text[i + 1] != '\n') {
            out += text[i];
        }
    }
    return out;
}

// The line where the parser gave up or the one before it, when a tab indents it: the parser's own
// words then do not say what is wrong.
std::optional<Diagnostic> find_tab(const std::string& file,
                                   const std::string& text,
                                   const YAML::Mark& mark) {
    std::size_t start = 0;
    for (int line = 0; line <= mark.line && start < text.size(); ++line) {
        const std::size_t end = std::min(text.find('\n', start), text.size());
        const std::size_t first = text.find_first_not_of(" ", start);
        if (line + 1 >= mark.line && first < end && text[first] == '\t') {
            return error_at({file, line + 1, static_cast<int>(first - start) + 1},
                            "a tab indents this line; YAML takes only spaces there");
        }
        start = end + 1;
    }
    return std::nullopt;
}

// Behind a colon the parser quotes the file: an anchor, say, and that may be a password that begins
// with '*'.
std::string words_of_parser(const std::string& message) {
    return message.substr(0, message.find(':'));
}

void parse_documents(const std::string& file, const std::string& text, YamlStream& out) {
    std::istringstream input(text);
    try {
        YAML::Parser parser(input);
        TreeBuilder builder(std::make_shared<const std::string>(file), out.diagnostics);
        while (parser.HandleNextDocument(builder)) {
            NodePtr root = builder.take_root();
            if (root && root->kind != NodeKind::Null) {
                out.documents.push_back(std::move(root));
            }
        }
        return;
    } catch (const Refusal& refusal) {
        out.diagnostics.push_back(error_at(to_position(file, refusal.mark), refusal.message));
    } catch (const YAML::Exception& error) {
        out.diagnostics.push_back(
            find_tab(file, text, error.mark)
                .value_or(error_at(to_position(file, error.mark),
                                   "cannot read the YAML: " + words_of_parser(error.msg))));
    } catch (const std::exception& error) {
        out.diagnostics.push_back(
            error_at({file, 0, 0}, fmt::format("cannot read the YAML: {}", error.what())));
    }
    out.complete = false;
}

// What no text may be, found before the parser sees it.
std::optional<Diagnostic> find_refusal(const std::string& file, std::string_view text) {
    if (text.size() > kMaxFileBytes) {
        return error_at({file, 0, 0}, fmt::format("larger than {} KiB", kMaxFileBytes / 1024));
    }
    if (text.substr(0, 2) == "\xFF\xFE" || text.substr(0, 2) == "\xFE\xFF") {
        return error_at({file, 1, 1}, "is UTF-16; save it as UTF-8");
    }
    if (const auto flaw = find_text_flaw(text)) {
        return error_at(position_of(file, text, flaw->offset),
                        fmt::format("there is {} here", flaw->what));
    }
    return std::nullopt;
}

}  // namespace

YamlStream read_yaml(const std::string& file, std::string_view text) {
    YamlStream out;
    if (auto refusal = find_refusal(file, text)) {
        out.diagnostics.push_back(std::move(*refusal));
        out.complete = false;
        return out;
    }
    if (text.substr(0, 3) == "\xEF\xBB\xBF") {
        text.remove_prefix(3);
    }
    parse_documents(file, without_carriage_returns(text), out);
    return out;
}

}  // namespace podreeve::manifests
