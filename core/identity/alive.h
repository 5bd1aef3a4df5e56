// Alive: lets callbacks that outlive their object fall silent.
//
// guard(f) is f, but does nothing once the Alive that made it is gone. Loop only. Header only.
#pragma once

#include <functional>
#include <memory>
#include <utility>

namespace firedrill::identity {

class Alive {
  public:
    template <class Function>
    auto guard(Function function) const {
        return [token = std::weak_ptr<char>(token_),
                function = std::move(function)]<class... Args>(Args&&... args) {
            if (!token.expired()) {
                function(std::forward<Args>(args)...);
            }
        };
    }

  private:
    std::shared_ptr<char> token_ = std::make_shared<char>();
};

}  // namespace firedrill::identity
