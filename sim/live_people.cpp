#include "sim/live_people.h"

#include <fmt/format.h>

#include "sim/canary.h"
#include "sim/patient.h"

namespace firedrill::sim {

namespace {
constexpr Duration kPause = std::chrono::milliseconds(100);
}

void LivePatient::open() {
    if (is_stopping_) {
        is_resting_ = true;
        return;
    }
    browser_ = std::make_unique<Browser>(scene_.clock, scene_.network, scene_.client_options());
    address_ =
        fmt::format("/p/{}/forms/{}", scene_.practice, scene_.forms[random_.below(scene_.forms.size())]);
    browser_->get(address_, [this](Result<WebPage> page) { opened(std::move(page)); });
}

void LivePatient::opened(Result<WebPage> page) {
    if (!page || page->status != 200) {
        later(kPause, &LivePatient::open);
        return;
    }
    const HtmlPage seen = parse_html(page->body);
    const HtmlForm* form = seen.find_form(address_);
    const FormField* id = form == nullptr ? nullptr : form->find(":submission");
    if (id == nullptr) {
        scene_.problem = fmt::format("the page {} holds no form that a patient could send", address_);
        is_resting_ = true;
        return;
    }
    std::array<Byte, kCanaryTail> tail{};
    random_.fill(tail);
    std::string canary = make_canary(tail);
    FilledForm filled = fill_form(seen, *form, random_, canary);
    values_ = std::move(filled.values);
    entry_ = {id->value, "", scene_.practice, address_, "patient", canary, content_digest(filled.content), {},
              {},        0};
    if (!canary.empty()) {
        scene_.secrecy.plant(canary);
    }
    send();
}

void LivePatient::send() {
    entry_.attempted = scene_.clock.now();
    scene_.ledger.attempt(entry_);
    browser_->post(address_, values_, Redirects::show,
                   [this](Result<WebPage> page) { sent(std::move(page)); });
}

void LivePatient::sent(Result<WebPage> page) {
    const std::string thanks = fmt::format("/p/{}/thanks/", scene_.practice);
    if (page && page->status == 303 && page->location.starts_with(thanks)) {
        const std::string id = page->location.substr(thanks.size());
        if (!scene_.ledger.acknowledge(entry_.page, id, scene_.clock.now())) {
            scene_.integrity.saw_second_id(id, scene_.clock.now());
        }
        later(0s, &LivePatient::open);
        return;
    }
    if (page && page->status == 422) {
        scene_.problem = fmt::format("the form {} refused answers that a patient may give", address_);
        is_resting_ = true;
        return;
    }
    later(kPause, &LivePatient::send);
}

void LivePatient::later(Duration pause, void (LivePatient::*what)()) {
    timer_ = scene_.clock.call_at(scene_.clock.now() + pause, [this, what] { (this->*what)(); });
}

void LiveStaff::start(std::vector<std::string> ids, OnRead on_read, std::function<void()> done) {
    ids_ = std::move(ids);
    wants_newest_ = ids_.empty();
    on_read_ = std::move(on_read);
    done_ = std::move(done);
    sign_in();
}

void LiveStaff::sign_in() {
    browser_ = std::make_unique<Browser>(scene_.clock, scene_.network, scene_.client_options());
    const FormValues values{
        {"practice", scene_.practice}, {"login", scene_.login}, {"password", scene_.password}};
    browser_->post("/sign-in", values, Redirects::follow,
                   [this](Result<WebPage> page) { signed_in(std::move(page)); });
}

void LiveStaff::signed_in(Result<WebPage> page) {
    const std::string list = fmt::format("/p/{}/submissions", scene_.practice);
    if (!page || page->status != 200 || page->address != list) {
        again();
        return;
    }
    if (wants_newest_ && ids_.empty()) {
        const HtmlPage seen = parse_html(page->body);
        for (const std::string& link : seen.links) {
            if (link.starts_with(list + "/") && ids_.empty()) {
                ids_.push_back(link.substr(list.size() + 1));
            }
        }
    }
    read_next();
}

void LiveStaff::read_next() {
    if (ids_.empty()) {
        done_();
        return;
    }
    const std::string id = ids_.back();
    browser_->get(fmt::format("/p/{}/submissions/{}", scene_.practice, id),
                  [this, id](Result<WebPage> page) { was_read(id, std::move(page)); });
}

void LiveStaff::was_read(const std::string& id, Result<WebPage> page) {
    if (!page || (page->status != 200 && page->status != 404)) {
        again();
        return;
    }
    bool is_right = false;
    if (page->status == 200) {
        const HtmlPage seen = parse_html(page->body);
        is_right = scene_.integrity.saw_read(scene_.practice, id, content_digest(seen.lines),
                                             find_canaries(page->body), scene_.clock.now());
    }
    ids_.pop_back();
    on_read_(id, page->status == 200, is_right);
    read_next();
}

void LiveStaff::again() {
    timer_ = scene_.clock.call_at(scene_.clock.now() + kPause, [this] { sign_in(); });
}

}  // namespace firedrill::sim
