// NodeWorld: a whole node on a simulated machine, whose real site a fuzz target posts to. Slow to make, so
// that targets keep one for many inputs and put it back in order after each.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "node/node.h"
#include "tests/support/sim_machine.h"

namespace firedrill::fuzz {

class NodeWorld {
  public:
    static constexpr std::string_view kPractice = "harbor";
    static constexpr std::string_view kLogin = "ada";
    static constexpr std::string_view kPassword = "plum-lantern-orbit-57";

    NodeWorld();
    /// Posts the body as one of the site's own pages does, and runs the world until it is answered.
    web::Response post(std::string path, std::string_view body);
    /// Ends the session of a "Set-Cookie" value.
    void sign_out(std::string_view cookie);
    void pass(Duration time) { machine_.loop().run_for(time); }

    std::string journal;

  private:
    sim::SimMachine machine_{1};
    web::Handler* site_ = nullptr;  ///< the node's
    std::unique_ptr<node::Node> node_;
};

}  // namespace firedrill::fuzz
