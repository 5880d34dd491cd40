// Any bytes as a unit file, and behind lines "#### name.conf" its drop-ins (files.h): parsing ends,
// and what the parser, the words, the stamp and the view promise of a file without errors holds.

#include <iterator>
#include <string>
#include <string_view>

#include "quadlet/drop_ins.h"
#include "quadlet/services.h"
#include "quadlet/stamp.h"
#include "quadlet/words.h"
#include "tests/fuzz/files.h"
#include "tests/fuzz/promise.h"

namespace podreeve::quadlet {
namespace {

using fuzz::promise;

constexpr UnitType kTypes[] = {UnitType::Container, UnitType::Pod,     UnitType::Kube,
                               UnitType::Volume,    UnitType::Network, UnitType::Image,
                               UnitType::Build};

void check_errors(const std::vector<SyntaxError>& errors) {
    promise(errors.size() <= UnitFile::kMaxErrors + 1, "errors have a limit");
    for (const SyntaxError& error : errors) {
        promise(error.position.line > 0 && error.position.column > 0, "an error has a place");
    }
}

void check_words(const UnitFile& file) {
    for (const Entry& entry : file.entries()) {
        const auto words = split_words(entry.value);
        if (!words) {
            continue;
        }
        const auto line = join_words(*words);
        promise(line.has_value(), "words can be written");
        promise(split_words(*line).value() == *words, "words are read back");
    }
}

void check_file(std::string_view text, const UnitFile& file) {
    promise(file.render() == text, "every byte is given back");
    UnitFile changed = file;
    if (changed.add("New", "Key", "value")) {
        const UnitFile::Parsed again = UnitFile::parse(changed.render());
        promise(again.errors.empty(), "an addition leaves the file sound");
        promise(again.file.entries().size() == file.entries().size() + 1, "it adds one entry");
    }
    if (!file.has_section(kStampSection)) {
        const auto stamped_text = stamped(text, "app", 7);
        promise(stamped_text.has_value(), "a sound file takes a stamp");
        promise(is_untouched(*stamped_text), "the stamp is read back");
    }
}

void check_view(const std::vector<fuzz::File>& files, UnitType type) {
    const std::string path = "/q/name" + std::string(extension(type));
    std::vector<UnitText> drop_ins;
    for (auto file = files.begin() + 1; file != files.end(); ++file) {
        if (is_drop_in_name(file->name)) {
            drop_ins.push_back({path + ".d/" + file->name, file->text});
        }
    }
    Unit::Read read = Unit::read({path, files.front().text}, drop_ins);
    for (const Diagnostic& problem : read.problems) {
        promise(fuzz::is_clean(to_text(problem)), "what cannot be read can be told");
    }
    if (!read.unit) {
        return;
    }
    // One release an input, so that more inputs are tried.
    constexpr PodmanRelease kReleases[] = {{4, 4, 0}, {5, 4, 2}, kNewestRelease};
    Target target;
    target.podman = kReleases[files.front().text.size() % std::size(kReleases)];
    const Services made = make_services({*read.unit}, target);
    promise(!made.services.empty() || has_errors(made.problems),
            "a unit is a service or has an error");
    for (const Diagnostic& problem : made.problems) {
        promise(fuzz::is_clean(to_text(problem)), "a problem can be told");
    }
}

void check_text(std::string_view text) {
    const std::vector<fuzz::File> files = fuzz::files_in(text);
    text = files.front().text;
    const UnitFile::Parsed parsed = UnitFile::parse(text);
    check_errors(parsed.errors);
    promise(parsed.errors.empty() || parsed.file.render().size() <= text.size(),
            "no byte is made up");
    static_cast<void>(read_stamp(text));
    if (!parsed.errors.empty()) {
        return;
    }
    check_words(parsed.file);
    check_file(text, parsed.file);
    for (const UnitType type : kTypes) {
        if (parsed.file.has_section(section_name(type))) {
            check_view(files, type);
        }
    }
}

}  // namespace
}  // namespace podreeve::quadlet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    podreeve::quadlet::check_text(podreeve::fuzz::text_of(data, size));
    return 0;
}
