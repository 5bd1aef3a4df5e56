// Patient: opens a form, fills it in, sends it, and sends it again until it is confirmed or patience ends.
//
// Loop only. `done` runs once, posted on the world's queue, as the last thing; the patient may be destroyed
// then.
#pragma once

#include <functional>
#include <string>

#include "sim/browser.h"
#include "sim/world.h"

namespace firedrill::sim {

/// What a person writes into a form: every question that is not conditional, optional ones now and then left
/// out, no answer that would open a conditional question. `canary` goes into the first free text; cleared
/// when there is none.
struct FilledForm {
    FormValues values;
    Content content;  ///< what a reader of the submission must see
};
FilledForm fill_form(const HtmlPage& page, const HtmlForm& form, Random& random, std::string& canary);

class Patient {
  public:
    Patient(World& world, Desk& desk, const PracticeAccount& practice, std::string form, Random random);
    void start(std::function<void()> done);

  private:
    void open();
    void opened(Result<WebPage> page);
    void send();
    void sent(Result<WebPage> page);
    void try_again(void (Patient::*what)());
    void finish();

    World& world_;
    const PracticeAccount& practice_;
    std::string form_;
    Random random_;
    Browser browser_;
    SimClock& clock_;
    std::function<void()> done_;
    std::string address_;
    FormValues values_;
    LedgerEntry entry_;
    std::uint32_t failures_ = 0;
};

}  // namespace firedrill::sim
