#include "sim/patient.h"

#include <fmt/format.h>

#include <algorithm>

namespace firedrill::sim {

namespace {

constexpr std::uint32_t kPatience = 80;  // about six hours of ever longer waits
constexpr std::string_view kPageField = ":submission";

/// Some page says: Answer only if “question” is “label”.
bool opens_another_question(const HtmlPage& page, const FormField& field, const FormOption& option) {
    const std::string condition = fmt::format("“{}” is “{}”", field.question, option.label);
    return std::any_of(page.hints.begin(), page.hints.end(),
                       [&](const std::string& hint) { return hint.find(condition) != std::string::npos; });
}

std::string some_words(Random& random) {
    constexpr std::array<std::string_view, 8> kWords{"since",  "spring",   "left",       "mornings",
                                                     "stairs", "<b>&amp;", "après-midi", "100%"};
    std::string out;
    for (std::uint64_t i = random.between(1, 5); i > 0; --i) {
        out += (out.empty() ? "" : " ") + std::string(kWords[random.below(kWords.size())]);
    }
    return out;
}

/// The text of a free field: the canary first, so that no limit can cut it off.
std::string write_text(const FormField& field, Random& random, std::string& unused_canary) {
    if (field.type == "date") {
        return fmt::format("19{:02}-{:02}-{:02}", random.between(40, 99), random.between(1, 12),
                           random.between(1, 28));
    }
    if (field.type == "number") {
        return fmt::format("{}", random.between(1, 20));
    }
    std::string out = std::exchange(unused_canary, "");
    const std::string words = some_words(random);
    const std::size_t limit = field.max_length == 0 ? 200 : field.max_length;
    if (out.size() + 1 + words.size() <= limit) {
        out += (out.empty() ? "" : " ") + words;
    }
    return out.empty() ? "none" : out;
}

void choose_options(const HtmlPage& page, const FormField& field, Random& random, FilledForm& out) {
    std::vector<const FormOption*> allowed;
    for (const FormOption& option : field.options) {
        if (!opens_another_question(page, field, option)) {
            allowed.push_back(&option);
        }
    }
    if (allowed.empty()) {
        return;
    }
    const std::size_t first = random.below(allowed.size());
    std::string answers;
    for (std::size_t i = 0; i < allowed.size(); ++i) {
        const bool is_also_chosen = field.type == "checkbox" && random.chance(1, 3);
        if (i == first || is_also_chosen) {
            out.values.emplace_back(field.name, allowed[i]->value);
            answers += (answers.empty() ? "" : "; ") + allowed[i]->label;
        }
    }
    out.content.push_back({field.question, answers});
}

}  // namespace

FilledForm fill_form(const HtmlPage& page, const HtmlForm& form, Random& random, std::string& canary) {
    FilledForm out;
    std::string unused = canary;
    for (const FormField& field : form.fields) {
        const bool is_choice = field.type == "radio" || field.type == "checkbox";
        if (field.type == "hidden") {
            out.values.emplace_back(field.name, field.value);
        } else if (field.is_conditional || (field.is_optional && random.chance(1, 4))) {
            if (!is_choice) {
                out.values.emplace_back(field.name, "");  // browsers send empty fields
            }
        } else if (is_choice) {
            choose_options(page, field, random, out);
        } else {
            std::string answer = write_text(field, random, unused);
            out.values.emplace_back(field.name, answer);
            out.content.push_back({field.question, std::move(answer)});
        }
    }
    if (!unused.empty()) {
        canary.clear();
    }
    return out;
}

Patient::Patient(World& world, Desk& desk, const PracticeAccount& practice, std::string form, Random random)
    : world_(world),
      practice_(practice),
      form_(std::move(form)),
      random_(random),
      browser_(desk.clock, *desk.host, world.client_options()),
      clock_(desk.clock) {}

void Patient::start(std::function<void()> done) {
    done_ = std::move(done);
    address_ = fmt::format("/p/{}/forms/{}", practice_.name, form_);
    open();
}

void Patient::open() {
    browser_.get(address_, [this](Result<WebPage> page) { opened(std::move(page)); });
}

void Patient::opened(Result<WebPage> page) {
    if (!page || page->status != 200) {
        try_again(&Patient::open);
        return;
    }
    const HtmlPage seen = parse_html(page->body);
    const HtmlForm* form = seen.find_form(address_);
    const FormField* id = form == nullptr ? nullptr : form->find(kPageField);
    if (id == nullptr) {
        world_.harness_fault(fmt::format("the page {} holds no form that a patient could send", address_));
        finish();
        return;
    }
    std::string canary = world_.draw_canary(random_);
    FilledForm filled = fill_form(seen, *form, random_, canary);
    values_ = std::move(filled.values);
    entry_ = {id->value, "", practice_.name, form_, kPatientDesk, canary, content_digest(filled.content), {},
              {},        0};
    if (!canary.empty()) {
        world_.secrecy.plant(canary);
    }
    failures_ = 0;
    browser_.rest();
    const auto think = static_cast<std::uint64_t>(world_.scenario.workload.think.count());
    clock_.call_at(clock_.now() + Duration(static_cast<std::int64_t>(random_.between(think / 4, think))),
                   [this] { send(); });
}

void Patient::send() {
    entry_.attempted = world_.now();
    world_.ledger.attempt(entry_);
    browser_.post(address_, values_, Redirects::show,
                  [this](Result<WebPage> page) { sent(std::move(page)); });
}

void Patient::sent(Result<WebPage> page) {
    const std::string thanks = fmt::format("/p/{}/thanks/", practice_.name);
    if (page && page->status == 303 && page->location.starts_with(thanks)) {
        const std::string id = page->location.substr(thanks.size());
        if (!world_.ledger.acknowledge(entry_.page, id, world_.now())) {
            world_.integrity.saw_second_id(id, world_.now());
        }
        world_.note(TraceKind::acknowledged, practice_.name, id);
        world_.recovery.acknowledged(world_.now());
        finish();
        return;
    }
    if (page && page->status == 422) {
        const HtmlPage seen = parse_html(page->body);
        world_.harness_fault(fmt::format("the form {} refused answers that a patient may give: {}", form_,
                                         seen.problems.empty() ? "no reason shown" : seen.problems.front()));
        finish();
        return;
    }
    try_again(&Patient::send);
}

void Patient::try_again(void (Patient::*what)()) {
    browser_.rest();
    if (++failures_ > kPatience) {
        finish();
        return;
    }
    if (failures_ == 2 && world_.on_complaint) {
        world_.on_complaint();
    }
    const Duration wait = std::min<Duration>(Duration(10s) * failures_, 5min);
    clock_.call_at(clock_.now() + wait, [this, what] { (this->*what)(); });
}

void Patient::finish() {
    world_.universe.loop.post([done = std::move(done_)] { done(); });
}

}  // namespace firedrill::sim
