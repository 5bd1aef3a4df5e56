// HtmlPage: what a person sees and can do on a page of the site: links, forms with their questions, answers
// read back.
//
// Pure. Understands the well-formed HTML that our own server writes; anything else yields fewer findings,
// never an error.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/ledger.h"

namespace firedrill::sim {

struct FormOption {
    std::string value;
    std::string label;
};
struct FormField {
    std::string name;
    std::string type;             ///< hidden, text, password, date, number, textarea, radio, checkbox
    std::string value;            ///< preset
    std::string question;         ///< label or legend, without "(optional)"
    bool is_conditional = false;  ///< "Answer only if …"
    bool is_optional = false;
    std::size_t max_length = 0;       ///< 0: not said
    std::vector<FormOption> options;  ///< of radio and checkbox, the empty choice left out
};
struct HtmlForm {
    std::string method;
    std::string action;
    std::vector<FormField> fields;  ///< in the order of the page
    [[nodiscard]] const FormField* find(std::string_view name) const;
};
struct HtmlPage {
    std::string title;
    std::vector<std::string> links;
    std::vector<HtmlForm> forms;
    Content lines;                      ///< dt and dd pairs; a dt without a dd is left out
    std::vector<std::string> problems;  ///< texts of class "error"
    std::vector<std::string> hints;     ///< when to leave a question out: Answer only if “…” is “…”.
    /// The form whose action is `action`; null when there is none.
    [[nodiscard]] const HtmlForm* find_form(std::string_view action) const;
};

HtmlPage parse_html(std::string_view html);
/// &amp; &lt; &gt; &quot; &#39; and numeric references up to U+10FFFF.
std::string unescape_html(std::string_view text);

using FormValues = std::vector<std::pair<std::string, std::string>>;
/// application/x-www-form-urlencoded as browsers write it.
std::string encode_form(const FormValues& values);

}  // namespace firedrill::sim
