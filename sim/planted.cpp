#include "sim/planted.h"

#include <fmt/format.h>

#include <utility>

#include "node/parts.h"
#include "sim/world.h"

namespace firedrill::sim {

namespace {

/// Spy: tells the secrecy judge which key to look for. Plant key_left_behind: writes it to the data disk as
/// well.
class WatchedCustody final : public identity::KeyCustody {
  public:
    WatchedCustody(World& world, Disk& data, bool leaves_keys)
        : world_(world), data_(data), leaves_keys_(leaves_keys), real_(identity::make_key_custody()) {}

    void keep(StoreId practice, crypto::Secret practice_key) override {
        world_.secrecy.watch("practice key", practice_key.view());
        if (leaves_keys_) {
            const std::string name = "cache." + to_hex(practice);
            auto file = data_.open(name, Open::any);
            if (file) {
                // A careless programmer would not look at the result either.
                static_cast<void>((*file)->write_at(0, practice_key.view()).is_ok());
            }
        }
        real_->keep(practice, std::move(practice_key));
    }
    const crypto::Secret* find(StoreId practice) const override { return real_->find(practice); }
    void forget(StoreId practice) override { real_->forget(practice); }

  private:
    World& world_;
    Disk& data_;
    bool leaves_keys_;
    std::unique_ptr<identity::KeyCustody> real_;
};

/// Spy: shows each nonce to its judge. Plant nonce_reused: seals everything under the store's first one.
class WatchedCipher final : public store::PageCipher {
  public:
    WatchedCipher(World& world, StoreId store, store::KeyRing ring, bool reuses)
        : world_(world),
          store_(store),
          reuses_(reuses),
          real_(store::make_page_cipher(store, std::move(ring))) {}

    void seal(store::PageNumber page, store::CommitSequence sequence, const crypto::Nonce& nonce,
              ByteView plain, store::SealedPage& out) override {
        if (!first_ || !reuses_) {
            first_ = nonce;
        }
        world_.nonces.saw_seal(store_, *first_);
        real_->seal(page, sequence, *first_, plain, out);
    }
    Status open(store::PageNumber page, const store::SealedPage& sealed, MutableBytes out) override {
        return real_->open(page, sealed, out);
    }

  private:
    World& world_;
    StoreId store_;
    bool reuses_;
    std::unique_ptr<store::PageCipher> real_;
    std::optional<crypto::Nonce> first_;
};

/// Plant sync_skipped: says done at once and writes each batch with the next one.
class LateLog final : public store::LogWriter {
  public:
    explicit LateLog(std::unique_ptr<store::LogWriter> real) : real_(std::move(real)) {}

    Status append(std::span<const store::Record> batch, WallTime wall) override {
        if (!held_.empty()) {
            TRY(real_->append(held_, held_wall_));
        }
        held_.assign(batch.begin(), batch.end());
        held_wall_ = wall;
        return {};
    }
    Status reserve(std::uint64_t bytes) override { return real_->reserve(bytes); }
    Status tick(WallTime wall) override { return real_->tick(wall); }
    std::vector<store::LogScan::Member> members() const override { return real_->members(); }
    Status remove_before(store::Lsn begin) override { return real_->remove_before(begin); }
    std::shared_ptr<store::LogResilver> begin_resilver(WallTime wall) override {
        return real_->begin_resilver(wall);
    }
    Result<store::Rejoin> rejoin(store::LogResilver& filled, WallTime wall) override {
        return real_->rejoin(filled, wall);
    }

  private:
    std::unique_ptr<store::LogWriter> real_;
    std::vector<store::Record> held_;
    WallTime held_wall_;
};

/// Plants of the site: altered_answer changes what staff read; password_journalled writes down what they
/// type.
class WorseSite final : public web::Handler {
  public:
    WorseSite(World& world, std::unique_ptr<web::Handler> real, bool alters, bool journals)
        : world_(world), real_(std::move(real)), alters_(alters), journals_(journals) {}

    void handle(web::Request request, web::Respond respond) override {
        if (journals_ && request.path == "/sign-in" && request.method == web::Method::post) {
            world_.secrecy.journal(request.body, world_.now());
        }
        const bool is_reading = alters_ && request.path.find("/submissions/") != std::string::npos;
        if (!is_reading || ++reads_ % 7 != 0) {
            real_->handle(std::move(request), std::move(respond));
            return;
        }
        real_->handle(std::move(request), [respond = std::move(respond)](web::Response response) {
            const std::size_t at = response.body.find("<dd>");
            if (at != std::string::npos && response.status == 200) {
                char& letter = response.body[at + 4];
                letter = letter == 'x' ? 'y' : 'x';
            }
            respond(std::move(response));
        });
    }

  private:
    World& world_;
    std::unique_ptr<web::Handler> real_;
    bool alters_;
    bool journals_;
    std::uint64_t reads_ = 0;
};

}  // namespace

node::Parts make_parts(World& world, Disk& data) {
    const std::string& plant = world.scenario.negative.plant;
    node::Parts parts;
    parts.key_custody = [&world, &data, leaves = plant == "key_left_behind"] {
        return std::make_unique<WatchedCustody>(world, data, leaves);
    };
    parts.storage.page_cipher = [&world, reuses = plant == "nonce_reused"](StoreId store,
                                                                           store::KeyRing ring) {
        return std::make_unique<WatchedCipher>(world, store, std::move(ring), reuses);
    };
    if (plant == "sync_skipped") {
        parts.storage.log_writer = [](std::unique_ptr<store::LogWriter> real) {
            return std::make_unique<LateLog>(std::move(real));
        };
    }
    if (plant == "altered_answer" || plant == "password_journalled") {
        parts.site = [&world, alters = plant == "altered_answer"](std::unique_ptr<web::Handler> real) {
            return std::make_unique<WorseSite>(world, std::move(real), alters, !alters);
        };
    }
    return parts;
}

}  // namespace firedrill::sim
