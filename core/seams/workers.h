// Workers: blocking jobs off the loop. One of the five seams. run() is called on the loop.
//
// Invariants, held by both worlds (tests/seams/workers_contract.h):
//  1. Jobs of one lane run one at a time in the order given; different lanes may run at once.
//  2. `done` runs on the loop after its job returned, never inside run(); for one lane in the order of the
//     jobs.
//  3. When power is lost during a job, every Disk call in the rest of it answers powered_off and `done` never
//     runs.
//  4. A job may touch only what it was given and what belongs to its lane. It must not touch the loop or
//     Clock.
#pragma once

#include <cstdint>
#include <functional>

namespace firedrill {

/// A lane: a serial queue. Lanes are cheap numbers; 0–15 are reserved below, practices use 16 and up.
enum class Lane : std::uint32_t {
    log = 0,
    directory = 1,
    passwords = 2,
    fold = 3,
    audit = 4,
    upkeep = 5,
    fold_2 = 6,
    slots = 7,
    fold_3 = 8,
    fold_4 = 9,
    first_practice = 16,
};

/// Work whose processor time the simulator must account for; quantities are counts.
enum class Work : std::uint8_t {
    password_hash,  ///< one Argon2id at production cost
    seal_page,      ///< one 4 KiB page sealed or opened
    hash_page,      ///< one 4 KiB page hashed
    tls_handshake,  ///< one handshake, server side
    request,        ///< one HTTP request parsed, routed, answered
};

class Workers {
  public:
    virtual ~Workers() = default;
    virtual void run(Lane lane, std::function<void()> job, std::function<void()> done) = 0;
    /// Says what the running job (or handler) cost. No effect in the real world, where time passes by itself;
    /// the simulator delays the job's `done` by it. Callable from any thread.
    virtual void charge(Work work, std::uint64_t count) = 0;
};

}  // namespace firedrill
