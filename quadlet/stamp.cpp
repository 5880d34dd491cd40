#include "quadlet/stamp.h"

#include <charconv>

#include <fmt/format.h>

#include "runtime/base/digest.h"

namespace podreeve::quadlet {
namespace {

std::string comment_for(std::string_view app) {
    return fmt::format(
        "# Kept by podreeve for the app {}: edit its manifest instead, changes made here are "
        "undone.\n",
        app);
}

std::string section_for(const Stamp& stamp) {
    const std::string owner = stamp.owner.empty() ? "" : fmt::format("Owner={}\n", stamp.owner);
    return fmt::format("\n[{}]\nApp={}\nGeneration={}\nHash={}\n{}", kStampSection, stamp.app,
                       stamp.generation, stamp.hash, owner);
}

Error damaged() {
    return {Code::Corrupt, "cannot read podreeve's stamp in the unit file: it was changed"};
}

// What stands between the comment and the section of the stamp; nothing when either is not as
// stamped() writes it.
std::optional<std::string_view> stamped_text(std::string_view text, const Stamp& stamp) {
    const std::string comment = comment_for(stamp.app);
    const std::string section = section_for(stamp);
    if (text.size() < comment.size() + section.size() || !text.starts_with(comment) ||
        !text.ends_with(section)) {
        return std::nullopt;
    }
    return text.substr(comment.size(), text.size() - comment.size() - section.size());
}

}  // namespace

std::string content_hash(std::string_view text) {
    return sha256_hex(text);
}

Result<std::string> stamped(std::string_view source,
                            std::string_view app,
                            std::uint64_t generation,
                            std::string_view owner) {
    UnitFile::Parsed parsed = UnitFile::parse(source);
    if (!parsed.errors.empty() || parsed.file.has_section(kStampSection)) {
        return fail(Code::InvalidArgument,
                    fmt::format("cannot stamp a unit file: it {}",
                                parsed.errors.empty() ? "has a stamp already" : "has errors"));
    }
    if (app.empty() || app.find('[') != std::string_view::npos) {
        return fail(Code::InvalidArgument, "cannot stamp a unit file: not the name of an app");
    }
    // A value that would not be read back as it is is refused here; a last line without an end, or
    // with a backslash that asked for more, gets its end.
    RETURN_IF_ERROR(parsed.file.add(kStampSection, "App", app));
    const std::string probe = parsed.file.render();
    const std::size_t section = probe.rfind(fmt::format("[{}]\n", kStampSection));
    std::string_view body = std::string_view(probe).substr(0, section);
    if (body.ends_with('\n')) {
        body.remove_suffix(1);
    }
    const std::string text = source.empty() ? std::string() : std::string(body);
    const Stamp stamp{std::string(app), generation, content_hash(text), std::string(owner)};
    return comment_for(app) + text + section_for(stamp);
}

Result<std::optional<Stamp>> read_stamp(std::string_view text) {
    const UnitFile file = UnitFile::parse(text).file;
    if (!file.has_section(kStampSection)) {
        const bool ours = text.starts_with("# Kept by podreeve for the app ");
        return ours ? Result<std::optional<Stamp>>(damaged()) : std::optional<Stamp>();
    }
    Stamp stamp{file.last(kStampSection, "App"), 0, file.last(kStampSection, "Hash"),
                file.last(kStampSection, "Owner")};
    const std::string number = file.last(kStampSection, "Generation");
    const auto parsed =
        std::from_chars(number.data(), number.data() + number.size(), stamp.generation);
    if (stamp.app.empty() || stamp.hash.empty() || number.empty() || parsed.ec != std::errc() ||
        parsed.ptr != number.data() + number.size()) {
        return damaged();
    }
    return std::optional<Stamp>(std::move(stamp));
}

bool is_stamped_by(std::string_view text, const StampOwner& owner) {
    const auto stamp = read_stamp(text);
    if (stamp && !*stamp) {
        return false;
    }
    const std::string named = stamp ? (*stamp)->owner : "";
    return named.empty() ? owner.takes_unnamed : named == owner.id;
}

bool is_untouched(std::string_view text) {
    const auto stamp = read_stamp(text);
    if (!stamp || !*stamp) {
        return false;
    }
    const auto source = stamped_text(text, **stamp);
    return source && content_hash(*source) == (*stamp)->hash;
}

}  // namespace podreeve::quadlet
