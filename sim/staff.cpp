#include "sim/staff.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/canary.h"

namespace firedrill::sim {

namespace {

constexpr std::uint32_t kWorkPatience = 20;
constexpr std::uint32_t kAuditPatience = 60;
constexpr std::uint64_t kReadAgain = 2;  // old submissions looked at in each visit
constexpr std::size_t kReadLimit = 200;  // new ones in each visit
constexpr Duration kBetweenTries = std::chrono::seconds(30);

/// Ids of the submissions that a page links to, in its order.
std::vector<std::string> listed_ids(const HtmlPage& page, const std::string& practice) {
    const std::string prefix = fmt::format("/p/{}/submissions/", practice);
    std::vector<std::string> ids;
    for (const std::string& link : page.links) {
        if (link.starts_with(prefix) && link.size() == prefix.size() + 32) {
            ids.push_back(link.substr(prefix.size()));
        }
    }
    return ids;
}

}  // namespace

StaffVisit::StaffVisit(World& world, Desk& desk, const PracticeAccount& practice, StaffMemory& memory,
                       Random random, Audit* audit)
    : world_(world),
      practice_(practice),
      memory_(memory),
      random_(random),
      options_(world.client_options()),
      desk_(desk),
      audit_(audit) {}

void StaffVisit::start(std::function<void()> done) {
    done_ = std::move(done);
    sign_in();
}

void StaffVisit::sign_in() {
    browser_ = std::make_unique<Browser>(desk_.clock, *desk_.host, options_);
    const FormValues values{
        {"practice", practice_.name}, {"login", practice_.login}, {"password", practice_.password}};
    browser_->post("/sign-in", values, Redirects::follow,
                   [this](Result<WebPage> page) { signed_in(std::move(page)); });
}

void StaffVisit::signed_in(Result<WebPage> page) {
    const std::string address = fmt::format("/p/{}/submissions", practice_.name);
    if (!page || page->status != 200 || page->address != address) {
        fail(page ? fmt::format("signing in: status {}", page->status) : page.error().text);
        return;
    }
    const HtmlPage seen = parse_html(page->body);
    const HtmlForm* sign_out = seen.find_form("/sign-out");
    if (sign_out == nullptr) {
        world_.harness_fault("the list of submissions offers no way to sign out");
        finish();
        return;
    }
    sign_out_.clear();
    for (const FormField& field : sign_out->fields) {
        sign_out_.emplace_back(field.name, field.value);
    }
    const std::vector<std::string> ids = listed_ids(seen, practice_.name);
    world_.integrity.saw_list(ids, world_.now());
    choose_what_to_read(ids);
    read_next();
}

void StaffVisit::choose_what_to_read(const std::vector<std::string>& listed) {
    to_read_.clear();
    if (audit_ != nullptr) {
        for (const std::string& id : world_.ledger.acknowledged_ids(practice_.name)) {
            const auto known = audit_->find(id);
            if (known == audit_->end() || known->second == AuditOutcome::unreachable) {
                to_read_.push_back(id);
            }
        }
        return;
    }
    for (const std::string& id : listed) {
        if (!memory_.read.contains(id) && to_read_.size() < kReadLimit) {
            to_read_.push_back(id);
        }
    }
    for (std::uint64_t i = 0; i < kReadAgain && !listed.empty(); ++i) {
        to_read_.push_back(listed[random_.below(listed.size())]);
    }
}

void StaffVisit::read_next() {
    if (to_read_.empty()) {
        sign_out();
        return;
    }
    const std::string id = to_read_.back();
    browser_->get(fmt::format("/p/{}/submissions/{}", practice_.name, id),
                  [this, id](Result<WebPage> page) { was_read(id, std::move(page)); });
}

void StaffVisit::was_read(const std::string& id, Result<WebPage> page) {
    const bool is_answered = page && (page->status == 200 || page->status == 404);
    if (!is_answered) {
        if (audit_ != nullptr) {
            (*audit_)[id] = AuditOutcome::unreachable;
        }
        fail(page ? fmt::format("reading a submission: status {}", page->status) : page.error().text);
        return;
    }
    AuditOutcome outcome = AuditOutcome::absent;
    if (page->status == 200) {
        const HtmlPage seen = parse_html(page->body);
        const bool is_right = world_.integrity.saw_read(practice_.name, id, content_digest(seen.lines),
                                                        find_canaries(page->body), world_.now());
        outcome = is_right ? AuditOutcome::equal : AuditOutcome::different;
        memory_.read.insert(id);
        world_.recovery.staff_read(world_.now());
    }
    world_.note(TraceKind::read, id, page->status == 200 ? "read" : "absent");
    if (audit_ != nullptr) {
        (*audit_)[id] = outcome;
    }
    to_read_.pop_back();
    read_next();
}

void StaffVisit::sign_out() {
    browser_->post("/sign-out", sign_out_, Redirects::show, [this](Result<WebPage>) { finish(); });
}

void StaffVisit::fail(const std::string& what) {
    world_.note(TraceKind::person, practice_.name, what);
    ++failures_;
    if (failures_ == 1) {
        world_.tell(fmt::format("staff of {} are in trouble: {}", practice_.name, what));
    }
    if (failures_ == 2 && world_.on_complaint) {
        world_.on_complaint();
    }
    if (failures_ > (audit_ == nullptr ? kWorkPatience : kAuditPatience)) {
        finish();
        return;
    }
    desk_.clock.call_at(desk_.clock.now() + kBetweenTries, [this] { sign_in(); });
}

void StaffVisit::finish() {
    world_.universe.loop.post([done = std::move(done_)] { done(); });
}

}  // namespace firedrill::sim
