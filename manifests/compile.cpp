#include <algorithm>
#include <filesystem>
#include <tuple>

#include <fmt/format.h>

#include "manifests/app_dialect.h"
#include "manifests/companions.h"
#include "manifests/kube/kube.h"
#include "manifests/merge.h"
#include "manifests/names.h"
#include "manifests/source.h"
#include "manifests/validate.h"
#include "manifests/yaml.h"
#include "quadlet/names.h"
#include "runtime/base/nearest.h"
#include "runtime/base/utf8.h"

namespace podreeve::manifests {
namespace {

void complain(std::vector<Diagnostic>& out,
              SourcePosition at,
              std::string message,
              std::string allowed = {},
              std::string nearest = {}) {
    out.push_back({std::move(at), "", std::move(message), std::move(allowed), std::move(nearest),
                   Severity::Error});
}

std::string stem_of(const std::string& file) {
    return std::filesystem::path(file).stem().string();
}

// The word after "id:" in a text that could not be parsed, if it looks like the app dialect.
std::string id_in_text(const std::string& text) {
    std::size_t at = text.find("\n");
    while (at != std::string::npos) {
        const std::size_t start = text.find_first_not_of(" \t\"'", at + 1);
        const std::size_t next = text.find('\n', at + 1);
        if (start != std::string::npos && text.compare(start, 3, "id:") == 0) {
            const std::size_t word = text.find_first_not_of(" \"'", start + 3);
            const std::size_t end = text.find_first_of(" \"'\r\n#", word);
            return word == std::string::npos ? "" : text.substr(word, end - word);
        }
        at = next;
    }
    return {};
}

// Whether the app's name is in the text: in the other dialects it is the file's.
bool names_itself(const std::string& text) {
    return text.rfind("app:", 0) == 0 || text.find("\napp:") != std::string::npos;
}

// Which app a text that cannot be parsed was meant to be, so that its error is shown with it.
std::string guess_name(const std::string& file, const std::string& text) {
    const std::string name = names_itself(text) ? id_in_text(text) : stem_of(file);
    return is_label(name) ? name : "";
}

void read_drop_ins(const std::vector<std::pair<std::string, std::string>>& drop_ins,
                   std::vector<NodePtr>& documents,
                   std::vector<Diagnostic>& diagnostics) {
    for (const auto& [name, text] : drop_ins) {
        YamlStream stream = read_yaml(name, text);
        std::move(stream.diagnostics.begin(), stream.diagnostics.end(),
                  std::back_inserter(diagnostics));
        merge_documents(documents, stream.documents, diagnostics);
    }
}

bool is_app_dialect(const std::vector<NodePtr>& documents) {
    return std::any_of(documents.begin(), documents.end(),
                       [](const NodePtr& node) { return node->find("app") != nullptr; });
}

bool is_kube_dialect(const std::vector<NodePtr>& documents) {
    return std::any_of(documents.begin(), documents.end(), [](const NodePtr& node) {
        return node->find("apiVersion") != nullptr || node->find("kind") != nullptr;
    });
}

AppSpec read_app(const std::vector<NodePtr>& documents,
                 const ManifestTexts& texts,
                 std::vector<Diagnostic>& diagnostics) {
    if (documents.size() > 1) {
        complain(diagnostics, documents[1]->position(),
                 "the app dialect has one document a file, and this is another");
    }
    const auto app = std::find_if(documents.begin(), documents.end(),
                                  [](const NodePtr& node) { return node->find("app") != nullptr; });
    return read_app_dialect(**app, texts, diagnostics);
}

AppSpec read_kube(const std::string& file,
                  const std::vector<NodePtr>& documents,
                  std::vector<Diagnostic>& diagnostics) {
    const std::string name = stem_of(file);
    if (!is_label(name)) {
        complain(diagnostics, {file, 0, 0},
                 fmt::format("the file's name is the app's, and '{}' cannot be one", name),
                 std::string(kLabelRule));
    }
    return kube::read_app(name, documents, diagnostics);
}

// Neither dialect: says which the person may have meant.
void complain_dialect(const Node& document, std::vector<Diagnostic>& diagnostics) {
    std::string nearest;
    for (const MapEntry& entry : document.entries) {
        if (nearest.empty()) {
            nearest = nearest_name(entry.key, {"app", "apiVersion", "kind"});
        }
    }
    complain(diagnostics, document.position(), "is no manifest",
             "app: at the root, or apiVersion: and kind:", nearest);
}

// Those of the manifest first, then those of each drop-in, in the order of the text.
void sort_by_position(const std::string& file, std::vector<Diagnostic>& diagnostics) {
    const auto rank = [&](const Diagnostic& d) {
        return std::tuple(d.position.file != file, d.position.file, d.position.line,
                          d.position.column);
    };
    std::stable_sort(diagnostics.begin(), diagnostics.end(),
                     [&](const Diagnostic& a, const Diagnostic& b) { return rank(a) < rank(b); });
}

Compiled finish(Compiled out, AppSpec app, const std::string& file, const std::string& text) {
    out.app_name = is_label(app.name) ? app.name : guess_name(file, text);
    out.could_be_any = out.app_name.empty() && names_itself(text);
    app.file = clean_text(file);
    if (!has_errors(out.diagnostics)) {
        // Only then: what is told with its position already would come again without.
        out.diagnostics = find_clashes_within(app);
    }
    if (!has_errors(out.diagnostics)) {
        out.app = std::make_shared<const AppSpec>(std::move(app));
    }
    sort_by_position(file, out.diagnostics);
    return out;
}

Compiled compile_documents(const ManifestTexts& texts) {
    const std::string& file = texts.file;
    Compiled out;
    YamlStream stream = read_yaml(file, texts.text);
    out.diagnostics = std::move(stream.diagnostics);
    if (stream.complete && stream.documents.empty()) {
        complain(out.diagnostics, {file, 0, 0}, "is empty",
                 "app: at the root, or apiVersion: and kind:");
    }
    if (!stream.complete || stream.documents.empty()) {
        return finish(std::move(out), {}, file, texts.text);
    }
    read_drop_ins(texts.drop_ins, stream.documents, out.diagnostics);
    AppSpec app;
    if (is_app_dialect(stream.documents)) {
        app = read_app(stream.documents, texts, out.diagnostics);
    } else if (is_kube_dialect(stream.documents)) {
        app = read_kube(file, stream.documents, out.diagnostics);
    } else {
        complain_dialect(*stream.documents.front(), out.diagnostics);
    }
    return finish(std::move(out), std::move(app), file, texts.text);
}

}  // namespace

Compiled compile(const std::string& file,
                 const std::string& text,
                 const std::vector<std::pair<std::string, std::string>>& drop_ins) {
    return compile_documents({file, text, drop_ins, {}});
}

Compiled compile(const AcceptedText& text) {
    if (quadlet::unit_type_of(std::filesystem::path(text.file).filename().string())) {
        Compiled out;
        AppSpec app = read_quadlet(text.file, text.units, out.diagnostics);
        return finish(std::move(out), std::move(app), text.file, "");
    }
    return compile_documents({text.file, text.text, text.drop_ins, text.units});
}

}  // namespace podreeve::manifests
