// Sealing one page as the store does, beside AES-256-GCM under one fixed key: the floor that no design gets
// under.
#pragma once

#include <memory>

namespace firedrill::bench {

class PageSealing {
  public:
    PageSealing();
    ~PageSealing();
    void seal_page();
    void seal_raw();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace firedrill::bench
