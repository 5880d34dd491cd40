#include "manifests/names.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace podreeve::manifests {
namespace {

bool is_lower_alnum(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool is_alnum(char c) {
    return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

// Calls check for each piece of text between separators; false as soon as one is.
template <class Check>
bool all_pieces(std::string_view text, char separator, Check check) {
    while (true) {
        const std::size_t end = text.find(separator);
        if (!check(text.substr(0, end))) {
            return false;
        }
        if (end == std::string_view::npos) {
            return true;
        }
        text.remove_prefix(end + 1);
    }
}

// The image without its digest and tag; what they were lands in tag and digest.
std::string_view split_reference(std::string_view image,
                                 std::string_view& tag,
                                 std::string_view& digest) {
    if (const std::size_t at = image.find('@'); at != std::string_view::npos) {
        digest = image.substr(at + 1);
        image = image.substr(0, at);
    }
    const std::size_t colon = image.rfind(':');
    const std::size_t slash = image.rfind('/');
    const bool is_tag =
        colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash);
    if (is_tag) {
        tag = image.substr(colon + 1);
        image = image.substr(0, colon);
    }
    return image;
}

// What a digest of that algorithm has to be; a shorter one names no image at all.
bool is_digest(std::string_view digest) {
    static constexpr std::pair<std::string_view, std::size_t> kDigits[] = {
        {"sha256:", 64}, {"sha384:", 96}, {"sha512:", 128}};
    for (const auto& [algorithm, count] : kDigits) {
        if (digest.starts_with(algorithm)) {
            digest.remove_prefix(algorithm.size());
            return digest.size() == count &&
                   digest.find_first_not_of("0123456789abcdef") == std::string_view::npos;
        }
    }
    return false;
}

}  // namespace

bool is_label(std::string_view name) {
    return !name.empty() && name.size() <= 63 && name.front() != '-' && name.back() != '-' &&
           std::all_of(name.begin(), name.end(),
                       [](char c) { return is_lower_alnum(c) || c == '-'; });
}

bool is_subdomain(std::string_view name) {
    return name.size() <= 253 && all_pieces(name, '.', [](std::string_view piece) {
               return !piece.empty() && piece.front() != '-' && piece.back() != '-' &&
                      std::all_of(piece.begin(), piece.end(),
                                  [](char c) { return is_lower_alnum(c) || c == '-'; });
           });
}

bool is_data_key(std::string_view key) {
    return !key.empty() && key.size() <= 253 && key.substr(0, 2) != ".." && key != "." &&
           std::all_of(key.begin(), key.end(),
                       [](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; });
}

bool is_inner_path(std::string_view path) {
    return !path.empty() && path.front() != '/' &&
           all_pieces(path, '/', [](std::string_view piece) {
               return !piece.empty() && piece != "." && piece.substr(0, 2) != "..";
           });
}

bool is_image_reference(std::string_view image) {
    std::string_view tag = "x";
    std::string_view digest;
    const std::string_view name = split_reference(image, tag, digest);
    const auto is_tag_char = [](char c) { return is_alnum(c) || c == '_' || c == '.' || c == '-'; };
    const bool tag_good =
        !tag.empty() && tag.size() <= 128 && std::all_of(tag.begin(), tag.end(), is_tag_char);
    const bool digest_good = image.find('@') == std::string_view::npos || is_digest(digest);
    bool first = true;
    const bool has_host = name.find('/') != std::string_view::npos;
    const bool name_good = all_pieces(name, '/', [&](std::string_view piece) {
        const bool host = std::exchange(first, false) && has_host;
        return !piece.empty() && is_alnum(piece.front()) &&
               std::all_of(piece.begin(), piece.end(), [&](char c) {
                   return is_lower_alnum(c) || c == '.' || c == '_' || c == '-' ||
                          (host && (c == ':' || is_alnum(c)));
               });
    });
    return image.size() <= 512 && tag_good && digest_good && name_good;
}

bool is_latest(std::string_view image) {
    std::string_view tag = "latest";
    std::string_view digest;
    split_reference(image, tag, digest);
    return tag == "latest" && digest.empty();
}

}  // namespace podreeve::manifests
