// Any bytes as a unit file: parsing ends, and what the parser, the words, the stamp and the view
// promise of a file without errors holds. A broken promise aborts.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string>
#include <string_view>

#include "quadlet/services.h"
#include "quadlet/stamp.h"
#include "quadlet/words.h"

namespace podreeve::quadlet {
namespace {

constexpr UnitType kTypes[] = {UnitType::Container, UnitType::Pod,     UnitType::Kube,
                               UnitType::Volume,    UnitType::Network, UnitType::Image,
                               UnitType::Build};

void promise(bool kept, const char* what) {
    if (!kept) {
        std::fprintf(stderr, "broken promise: %s\n", what);
        std::abort();
    }
}

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

void check_view(std::string_view text, UnitType type) {
    Unit::Read read = Unit::read({"/q/name" + std::string(extension(type)), std::string(text)}, {});
    if (!read.unit) {
        return;
    }
    // One release an input, so that more inputs are tried.
    constexpr PodmanRelease kReleases[] = {{4, 4, 0}, {5, 4, 2}, kNewestRelease};
    Target target;
    target.podman = kReleases[text.size() % std::size(kReleases)];
    const Services made = make_services({*read.unit}, target);
    promise(!made.services.empty() || has_errors(made.problems),
            "a unit is a service or has an error");
    for (const Diagnostic& problem : made.problems) {
        promise(!to_text(problem).empty(), "a problem can be told");
    }
}

void check_text(std::string_view text) {
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
            check_view(text, type);
        }
    }
}

}  // namespace
}  // namespace podreeve::quadlet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    podreeve::quadlet::check_text({reinterpret_cast<const char*>(data), size});
    return 0;
}
