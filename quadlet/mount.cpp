#include "quadlet/mount.h"

#include <algorithm>

#include <fmt/format.h>

#include "quadlet/words.h"

namespace podreeve::quadlet {
namespace {

constexpr std::string_view kWithSource[] = {"volume", "bind", "glob", "image"};

Error broken(std::string_view text) {
    return {Code::InvalidArgument,
            fmt::format("cannot read the mount '{}': its quotes do not match", text)};
}

// Takes a quoted field, both quotes included; a doubled quote stands for one.
Result<std::string> take_quoted(std::string_view text, std::size_t& at) {
    std::string field;
    for (++at; at < text.size(); ++at) {
        if (text[at] != '"') {
            field += text[at];
        } else if (at + 1 < text.size() && text[at + 1] == '"') {
            field += text[at++];
        } else {
            ++at;
            return field;
        }
    }
    return broken(text);
}

Result<std::vector<std::string>> split_fields(std::string_view text) {
    std::vector<std::string> fields;
    for (std::size_t at = 0; at <= text.size(); ++at) {
        if (at < text.size() && text[at] == '"') {
            ASSIGN_OR_RETURN(std::string field, take_quoted(text, at));
            if (at < text.size() && text[at] != ',') {
                return broken(text);
            }
            fields.push_back(std::move(field));
            continue;
        }
        const std::size_t end = std::min(text.find(',', at), text.size());
        const std::string_view field = text.substr(at, end - at);
        if (field.find('"') != std::string_view::npos) {
            return broken(text);
        }
        fields.emplace_back(field);
        at = end;
    }
    return fields;
}

std::string quote_field(const std::string& field) {
    if (field.find_first_of(",\"\r\n") == std::string::npos && !field.starts_with(' ')) {
        return field;
    }
    std::string quoted = "\"";
    for (const char c : field) {
        quoted += c == '"' ? "\"\"" : std::string(1, c);
    }
    return quoted + '"';
}

bool is_source(std::string_view field) {
    return field.starts_with("source=") || field.starts_with("src=");
}

}  // namespace

std::vector<std::string> mount_texts(const Setting& setting) {
    auto words = split_words(setting.entry.value);
    return words ? std::move(*words) : std::vector<std::string>();
}

Result<MountOption> parse_mount(std::string_view text) {
    ASSIGN_OR_RETURN(std::vector<std::string> fields, split_fields(text));
    MountOption mount;
    for (std::string& field : fields) {
        const bool type = field.starts_with("type=") && field.find('=', 5) == std::string::npos;
        if (type && mount.type.empty()) {
            mount.type = field.substr(5);
        } else {
            mount.fields.push_back(std::move(field));
        }
    }
    if (mount.type.empty()) {
        return fail(Code::InvalidArgument,
                    fmt::format("cannot read the mount '{}': it has no type=", text));
    }
    mount.wants_source = std::find(std::begin(kWithSource), std::end(kWithSource), mount.type) !=
                         std::end(kWithSource);
    for (const std::string& field : mount.fields) {
        if (is_source(field)) {
            mount.source = field.substr(field.find('=') + 1);
        }
    }
    return mount;
}

std::string render_mount(const MountOption& mount, std::string_view source) {
    std::vector<std::string> fields = {"type=" + mount.type};
    fields.insert(fields.end(), mount.fields.begin(), mount.fields.end());
    const auto last = std::find_if(fields.rbegin(), fields.rend(), is_source);
    if (last != fields.rend()) {
        *last = fmt::format("source={}", source);
    }
    std::string text;
    for (const std::string& field : fields) {
        text += (text.empty() ? "" : ",") + quote_field(field);
    }
    return text;
}

}  // namespace podreeve::quadlet
