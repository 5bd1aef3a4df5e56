#include "sim/owner_errand.h"

#include <fmt/format.h>

namespace firedrill::sim {

namespace {

constexpr std::uint32_t kPatience = 20;
constexpr Duration kBetweenTries = std::chrono::seconds(30);

/// What a browser sends when nobody changed the form.
FormValues preset(const HtmlForm& form) {
    FormValues values;
    for (const FormField& field : form.fields) {
        values.emplace_back(field.name, field.value);
    }
    return values;
}

}  // namespace

OwnerErrand::OwnerErrand(World& world, Desk& desk, const PracticeAccount& practice)
    : world_(world), desk_(desk), practice_(practice), options_(world.client_options()) {}

void OwnerErrand::start(std::function<void(bool)> done) {
    done_ = std::move(done);
    sign_in();
}

void OwnerErrand::sign_in() {
    browser_ = std::make_unique<Browser>(desk_.clock, *desk_.host, options_);
    const FormValues values{
        {"practice", practice_.name}, {"login", practice_.login}, {"password", practice_.password}};
    browser_->post("/sign-in", values, Redirects::follow, [this](const Result<WebPage>& page) {
        if (!page || page->status != 200) {
            fail(page ? fmt::format("signing in: status {}", page->status) : page.error().text);
            return;
        }
        const HtmlPage seen = parse_html(page->body);
        const HtmlForm* form = seen.find_form("/sign-out");
        if (form == nullptr) {
            world_.harness_fault("the page after signing in offers no way to sign out");
            finish(false);
            return;
        }
        sign_out_ = preset(*form);
        open_kit();
    });
}

void OwnerErrand::open_kit() {
    browser_->get(fmt::format("/p/{}/kit", practice_.name),
                  [this](const Result<WebPage>& page) { replace_kit(page); });
}

void OwnerErrand::replace_kit(const Result<WebPage>& page) {
    if (!page || page->status != 200) {
        fail(page ? fmt::format("the kit: status {}", page->status) : page.error().text);
        return;
    }
    const HtmlPage seen = parse_html(page->body);
    const std::string action = fmt::format("/p/{}/kit/replace", practice_.name);
    const HtmlForm* form = seen.find_form(action);
    if (form == nullptr) {
        world_.harness_fault("the page of the recovery kit offers no new one");
        finish(false);
        return;
    }
    FormValues values = preset(*form);
    for (auto& [name, value] : values) {
        value = name == "password" ? practice_.password : value;
    }
    browser_->post(action, values, Redirects::show, [this](const Result<WebPage>& answer) {
        if (!answer || answer->status != 200) {
            fail(answer ? fmt::format("a new kit: status {}", answer->status) : answer.error().text);
            return;
        }
        sign_out();
    });
}

void OwnerErrand::sign_out() {
    browser_->post("/sign-out", sign_out_, Redirects::show, [this](const Result<WebPage>&) { finish(true); });
}

void OwnerErrand::fail(const std::string& what) {
    world_.note(TraceKind::person, practice_.name, what);
    if (++failures_ > kPatience) {
        finish(false);
        return;
    }
    desk_.clock.call_at(desk_.clock.now() + kBetweenTries, [this] { sign_in(); });
}

void OwnerErrand::finish(bool is_made) {
    world_.universe.loop.post([done = std::move(done_), is_made] { done(is_made); });
}

}  // namespace firedrill::sim
