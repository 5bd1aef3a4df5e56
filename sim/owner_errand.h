// OwnerErrand: an owner signs in, prints a new recovery kit, which replaces the practice's key, and signs
// out.
//
// Loop only. `done` runs once, posted on the world's queue, as the last thing, and says whether the kit was
// made; the object may be destroyed then.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "sim/browser.h"
#include "sim/world.h"

namespace firedrill::sim {

class OwnerErrand {
  public:
    OwnerErrand(World& world, Desk& desk, const PracticeAccount& practice);
    void start(std::function<void(bool is_made)> done);

  private:
    void sign_in();
    void open_kit();
    void replace_kit(const Result<WebPage>& page);
    void sign_out();
    /// Signs in anew a little later, or gives up.
    void fail(const std::string& what);
    void finish(bool is_made);

    World& world_;
    Desk& desk_;
    const PracticeAccount& practice_;
    HttpsClientOptions options_;
    std::unique_ptr<Browser> browser_;
    std::function<void(bool)> done_;
    FormValues sign_out_;
    std::uint32_t failures_ = 0;
};

}  // namespace firedrill::sim
