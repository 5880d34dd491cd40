#pragma once

#include <string>
#include <string_view>

#include "runtime/base/result.h"

namespace podreeve::systemd {

// The escaping of systemd.unit(5), as systemd-escape(1) does it: '/' becomes '-', and everything
// but letters, digits and ":_." becomes \xNN, as does a '.' in front.
std::string escape(std::string_view text);
// The text again; InvalidArgument for what escape() never gives.
Result<std::string> unescape(std::string_view escaped);

// A path without its outer and doubled slashes, escaped; "/" is "-". A path with ".." or "."
// between its slashes, or one that is empty or not absolute, is InvalidArgument.
Result<std::string> escape_path(std::string_view path);

// "podreeve-kube@.service" for the instance "x" is "podreeve-kube@x.service". The instance is put
// in as it is: escape it before.
Result<std::string> instance_of(std::string_view template_name, std::string_view instance);

}  // namespace podreeve::systemd
