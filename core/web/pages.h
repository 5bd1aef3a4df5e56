// The pages, as functions from what they show to markup. Pure; no page holds script, and no address holds
// patient data.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "forms/questionnaire.h"
#include "forms/submissions.h"
#include "identity/identity.h"
#include "web/html.h"

namespace firedrill::web::pages {

html::Markup home(std::span<const identity::PracticeInfo> practices);
html::Markup practice(const identity::PracticeInfo& info, std::span<const forms::Questionnaire> forms);

/// One form, blank or with the values and problems of a refused post.
struct FormView {
    const identity::PracticeInfo& practice;
    const forms::Questionnaire& form;
    SubmissionId id;
    const forms::Fields& values;
    std::span<const forms::FieldProblem> problems;
};
html::Markup form(const FormView& view);
html::Markup thanks(const identity::PracticeInfo& info, std::string_view reference);

/// `problem` empty: the first visit. The password is never shown again.
html::Markup sign_in(std::string_view practice, std::string_view login, std::string_view problem);
/// What staff are told above the list.
struct Notices {
    bool is_degraded = false;
    bool is_unfolded = false;
    bool is_suspect = false;
    bool asks_for_kit = false;  ///< an owner's own recovery kit is still to be made
};
html::Markup submissions(const identity::Session& session, const forms::SummaryPage& page,
                         const Notices& notices);
/// What staff read while a log disk is out of service; empty markup while none is.
html::Markup degraded_notice(bool is_degraded);
/// The same while what the practice writes cannot be brought into its own files.
html::Markup unfolded_notice(bool is_unfolded);
html::Markup submission(const identity::Session& session, const forms::Summary& summary,
                        std::string_view form_title, std::span<const forms::ReadLine> lines);
/// The same once the server had to correct what one of its disks gave back.
html::Markup suspect_notice(bool is_suspect);
/// A page that says one thing.
html::Markup notice(std::string_view title, std::string_view text);

/// Name of the hidden field that carries a form's submission id. No linkId can have it.
inline constexpr std::string_view kSubmissionField = ":submission";
inline constexpr std::string_view kCsrfField = "csrf";

/// The style sheet.
std::string_view style();
/// For a page's frame; used by the page functions of this folder.
html::Markup framed(std::string_view title, const html::Markup& main, const html::Markup& header_extra = {});
/// The text of one problem list at the top of a page; empty markup when there are none.
html::Markup problem_summary(std::span<const std::pair<std::string, std::string>> anchors_and_messages);

}  // namespace firedrill::web::pages
