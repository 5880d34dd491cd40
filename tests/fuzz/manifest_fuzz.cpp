// Any bytes as a manifest of either dialect, or as bare unit files: "#### name.yaml" begins a
// drop-in, "#### web.container" a unit file that it names (files.h).

#include <nlohmann/json.hpp>

#include "manifests/companions.h"
#include "manifests/names.h"
#include "manifests/source.h"
#include "runtime/base/json_text.h"
#include "tests/fuzz/files.h"
#include "tests/fuzz/promise.h"

namespace podreeve::manifests {
namespace {

using fuzz::promise;

// The first file, its drop-ins and its units, as the source would find them in a directory.
AcceptedText texts_in(std::string_view bytes) {
    std::vector<fuzz::File> files = fuzz::files_in(bytes);
    AcceptedText out{"/m/web.yaml", std::move(files.front().text), {}, {}};
    for (auto file = files.begin() + 1; file != files.end(); ++file) {
        if (file->name.ends_with(".yaml")) {
            out.drop_ins.emplace_back("/m/web.yaml.d/" + file->name, std::move(file->text));
        } else {
            out.units.push_back({"/m/" + file->name, std::move(file->text), {}});
        }
    }
    if (out.text.empty() && !out.units.empty()) {
        out.file = out.units.front().path;
    }
    return out;
}

void check_app(const AppSpec& app, const AcceptedText& text) {
    promise(spec_hash(app).size() == 16, "an app has a hash");
    promise(is_label(app.name), "an app has a name");
    const std::string shown = json_text(to_redacted_json(app));
    promise(nlohmann::json::accept(shown), "an app can be shown");
    const Compiled again = compile(text);
    promise(again.app && *again.app == app, "the same text is the same app");
    validate_together({{app.name, std::make_shared<const AppSpec>(app)}});
}

void check_texts(const AcceptedText& text) {
    const Compiled compiled = compile(text);
    promise((compiled.app == nullptr) == has_errors(compiled.diagnostics), "an app or an error");
    promise(compiled.app_name.empty() || is_label(compiled.app_name), "a name is one");
    for (const Diagnostic& problem : compiled.diagnostics) {
        promise(fuzz::is_clean(to_text(problem)), "a problem can be told");
    }
    if (compiled.app) {
        check_app(*compiled.app, text);
    }
    for (const NamedUnit& unit : named_units(text.file, text.text, text.drop_ins)) {
        promise(!unit.file.empty(), "a unit that is named has a name");
    }
}

}  // namespace
}  // namespace podreeve::manifests

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace podreeve;
    manifests::check_texts(manifests::texts_in(fuzz::text_of(data, size)));
    return 0;
}
