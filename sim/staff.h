// Staff: people who sign in to a practice and read what patients sent; and the audit, which asks for
// everything.
//
// Loop only. `done` runs once, posted on the world's queue, as the last thing; the object may be destroyed
// then.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "sim/browser.h"
#include "sim/judge_durability.h"
#include "sim/world.h"

namespace firedrill::sim {

/// What one practice's staff remember between visits.
struct StaffMemory {
    std::set<std::string> read;  ///< submission ids
    bool is_busy = false;        ///< somebody is at it
};

class StaffVisit {
  public:
    enum class Purpose : std::uint8_t {
        work,   ///< reads what is new and a few old ones, signs out; gives up after some failures
        audit,  ///< reads everything that was ever acknowledged to the practice's patients, until it is
                ///< answered
    };
    /// `audit` takes the outcomes; null for work.
    StaffVisit(World& world, Desk& desk, const PracticeAccount& practice, StaffMemory& memory, Random random,
               Audit* audit);
    void start(std::function<void()> done);

  private:
    void sign_in();
    void signed_in(Result<WebPage> page);
    void choose_what_to_read(const std::vector<std::string>& listed);
    void read_next();
    void was_read(const std::string& id, Result<WebPage> page);
    void sign_out();
    /// Signs in anew a little later, or gives up.
    void fail(const std::string& what);
    void finish();

    World& world_;
    const PracticeAccount& practice_;
    StaffMemory& memory_;
    Random random_;
    HttpsClientOptions options_;
    Desk& desk_;
    std::unique_ptr<Browser> browser_;
    Audit* audit_;
    std::function<void()> done_;
    std::vector<std::string> to_read_;  // the next one last
    FormValues sign_out_;
    std::uint32_t failures_ = 0;
};

}  // namespace firedrill::sim
