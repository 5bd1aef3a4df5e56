#include "cli/boot.h"

namespace firedrill::cli {

namespace {

constexpr std::array kPauses{1s, 3s};  // before the second and the third attempt

void pause(RealWorld& world, Duration time) {
    Clock& clock = world.seams().clock;
    clock.call_at(clock.now() + time, [&world] { world.stop(); });
    world.run();
}

}  // namespace

Result<std::unique_ptr<node::Node>> boot_node(RealWorld& world, const node::Config& config,
                                              const Place& place, Passphrase& passphrase,
                                              std::function<void(Status)> ready) {
    for (std::size_t attempt = 0;; ++attempt) {
        auto node = node::Node::boot(world.seams(), config, {}, passphrase.secret, ready);
        const bool is_wrong = !node && node.error().fault == Fault::wrong_secret;
        if (!is_wrong || !passphrase.was_typed || attempt == kPauses.size()) {
            return node;
        }
        note(node.error().text);
        pause(world, kPauses[attempt]);
        passphrase = TRY(obtain_passphrase(place, false, false));
    }
}

}  // namespace firedrill::cli
