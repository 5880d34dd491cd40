#include "manifests/expand.h"

namespace podreeve::manifests {

std::string expand_variables(const std::string& text,
                             const std::map<std::string, std::string>& values,
                             std::set<std::string>* names_used) {
    std::string out;
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t dollar = text.find('$', at);
        out.append(text, at, dollar - at);
        if (dollar == std::string::npos) {
            break;
        }
        const char next = dollar + 1 < text.size() ? text[dollar + 1] : '\0';
        const std::size_t close = next == '(' ? text.find(')', dollar) : std::string::npos;
        if (close == std::string::npos) {
            out += '$';
            at = dollar + (next == '$' ? 2 : 1);
            continue;
        }
        const std::string name = text.substr(dollar + 2, close - dollar - 2);
        const auto found = values.find(name);
        out += found != values.end() ? found->second : text.substr(dollar, close - dollar + 1);
        if (found != values.end() && names_used != nullptr) {
            names_used->insert(name);
        }
        at = close + 1;
    }
    return out;
}

}  // namespace podreeve::manifests
