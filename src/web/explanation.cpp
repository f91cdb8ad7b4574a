#include "web/explanation.hpp"

#include "c10k/json.hpp"

namespace c10k {

// Each makes to_json() and from_json() of a struct, for those below.
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Excerpt, first, lines, line, begin, end, remark)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Explanation::Problem, place, text, tag, file, excerpt, hint_title, hint)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Explanation::Frame, function, place, is_own)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Explanation::Facts, title, rows)

void to_json(nlohmann::json& json, const Explanation& explanation) {
    json = {{"heading", explanation.heading}, {"lead", explanation.lead},   {"problems", explanation.problems},
            {"frames", explanation.frames},   {"facts", explanation.facts}, {"output", explanation.output},
            {"foot", explanation.foot}};
}

void from_json(const nlohmann::json& json, Explanation& explanation) {
    json.at("heading").get_to(explanation.heading);
    json.at("lead").get_to(explanation.lead);
    json.at("problems").get_to(explanation.problems);
    json.at("frames").get_to(explanation.frames);
    json.at("facts").get_to(explanation.facts);
    json.at("output").get_to(explanation.output);
    json.at("foot").get_to(explanation.foot);
}

}  // namespace c10k
