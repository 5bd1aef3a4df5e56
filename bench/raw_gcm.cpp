#include "raw_gcm.h"

#include <botan/aead.h>

#include <algorithm>
#include <array>
#include <vector>

#include "posix/entropy.h"
#include "store/page.h"
#include "store/page_nonces.h"

namespace firedrill::bench {
namespace {

store::KeyRing make_ring() {
    store::KeyRing ring(1);
    ring[0].epoch = 1;
    ring[0].key = crypto::Secret(crypto::kKeySize);
    ring[0].key.mutable_view()[0] = 1;
    return ring;
}

/// Nonces that cost nothing to draw: what sealing itself takes.
class FreeEntropy final : public Entropy {
  public:
    void fill(MutableBytes out) override {
        std::fill(out.begin(), out.end(), Byte{0});
        store_u64(out.data(), ++count_);
    }

  private:
    std::uint64_t count_ = 0;
};

}  // namespace

struct PageSealing::State {
    std::unique_ptr<store::PageCipher> cipher = store::make_page_cipher(StoreId{}, make_ring());
    std::unique_ptr<Botan::AEAD_Mode> raw =
        Botan::AEAD_Mode::create_or_throw("AES-256/GCM", Botan::Cipher_Dir::Encryption);
    std::array<Byte, store::kPageSize> plain{};
    store::SealedPage sealed{};
    store::PageNonces nonces;
    FreeEntropy free_entropy;
    posix::PosixEntropy entropy;
    std::array<Byte, 12> raw_nonce{};
    Botan::secure_vector<Byte> buffer;
    std::uint64_t count = 0;
};

PageSealing::PageSealing() : state_(std::make_unique<State>()) {
    state_->raw->set_key(std::vector<Byte>(32, 1));
    state_->buffer.reserve(store::kPageSize + 16);
}
PageSealing::~PageSealing() = default;

void PageSealing::seal_record(std::uint32_t pages, Draw draw) {
    Entropy& entropy = draw == Draw::free ? static_cast<Entropy&>(state_->free_entropy) : state_->entropy;
    crypto::Nonce nonce = state_->nonces.begin_record(pages, entropy);
    ++state_->count;
    for (std::uint32_t page = 1; page <= pages; ++page) {
        if (page > 1) {
            store::PageNonces::step(nonce);
        }
        state_->cipher->seal(page, state_->count, nonce, state_->plain, state_->sealed);
    }
}

void PageSealing::seal_raw(std::uint32_t pages) {
    for (std::uint32_t page = 0; page < pages; ++page) {
        store_u64(state_->raw_nonce.data(), ++state_->count);
        state_->raw->set_associated_data(std::array<Byte, 16>{});
        state_->raw->start(state_->raw_nonce);
        state_->buffer.assign(state_->plain.begin(), state_->plain.begin() + store::kPlainSize);
        state_->raw->finish(state_->buffer);
    }
}

}  // namespace firedrill::bench
