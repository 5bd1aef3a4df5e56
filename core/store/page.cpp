#include "store/page.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "crypto/hash.h"

namespace firedrill::store {

namespace {

constexpr std::string_view kDomain = "firedrill page v1";

// Offsets of the trailer; docs/formats/sealed_page.md.
constexpr std::size_t kFlagsAt = kPlainSize;
constexpr std::size_t kEpochAt = kFlagsAt + 2;
constexpr std::size_t kSequenceAt = kEpochAt + 4;
constexpr std::size_t kNonceAt = kSequenceAt + 8;
constexpr std::size_t kTagAt = kNonceAt + crypto::kNonceSize;
constexpr std::size_t kSpareAt = kTagAt + crypto::kTagSize;
static_assert(kSpareAt + 10 == kPageSize);

bool is_all_zero(ByteView bytes) {
    return std::all_of(bytes.begin(), bytes.end(), [](Byte byte) { return byte == 0; });
}

class XaesPageCipher final : public PageCipher {
  public:
    XaesPageCipher(StoreId store, KeyRing ring) : store_(store) {
        CHECK(!ring.empty());
        for (EpochKey& key : ring) {
            CHECK(epochs_.empty() || epochs_.back().epoch < key.epoch);
            epochs_.push_back({key.epoch, key.timeline, crypto::Xaes256Gcm(key.key)});
        }
    }

    void seal(PageNumber page, CommitSequence sequence, const crypto::Nonce& nonce, ByteView plain,
              SealedPage& out) override {
        CHECK(plain.size() == kPageSize);
        Epoch& epoch = epochs_.back();
        const Associated associated = associate(epoch, page, sequence);
        crypto::Tag tag;
        epoch.aead.seal(nonce, associated, plain.first(kPlainSize), MutableBytes(out).first(kPlainSize), tag);
        std::fill(out.begin() + kFlagsAt, out.end(), Byte{0});
        store_u32(out.data() + kEpochAt, epoch.epoch);
        store_u64(out.data() + kSequenceAt, sequence);
        std::copy(nonce.begin(), nonce.end(), out.begin() + kNonceAt);
        std::copy(tag.begin(), tag.end(), out.begin() + kTagAt);
    }

    Status open(PageNumber page, const SealedPage& sealed, MutableBytes out) override {
        CHECK(out.size() == kPageSize);
        const ByteView all(sealed);
        const KeyEpoch wanted = load_u32(sealed.data() + kEpochAt);
        const auto epoch = std::find_if(epochs_.begin(), epochs_.end(),
                                        [wanted](const Epoch& each) { return each.epoch == wanted; });
        const bool is_clean = is_all_zero(all.subspan(kFlagsAt, 2)) && is_all_zero(all.subspan(kSpareAt));
        if (epoch == epochs_.end() || !is_clean) {
            std::fill(out.begin(), out.end(), Byte{0});
            return refuse(page);
        }
        crypto::Nonce nonce;
        std::copy_n(sealed.begin() + kNonceAt, nonce.size(), nonce.begin());
        const crypto::Tag tag = page_tag(sealed);
        const Associated associated = associate(*epoch, page, load_u64(sealed.data() + kSequenceAt));
        std::fill(out.begin() + kPlainSize, out.end(), Byte{0});
        if (!epoch->aead.open(nonce, associated, all.first(kPlainSize), tag, out.first(kPlainSize))) {
            return refuse(page);
        }
        return {};
    }

  private:
    struct Epoch {
        KeyEpoch epoch;
        TimelineId timeline;
        crypto::Xaes256Gcm aead;
    };
    using Associated = std::array<Byte, kDomain.size() + 16 + 16 + 4 + 4 + 8>;

    [[nodiscard]] Associated associate(const Epoch& epoch, PageNumber page, CommitSequence sequence) const {
        Associated out;
        Byte* at = std::copy(kDomain.begin(), kDomain.end(), out.data());
        at = std::copy(store_.bytes.begin(), store_.bytes.end(), at);
        at = std::copy(epoch.timeline.bytes.begin(), epoch.timeline.bytes.end(), at);
        store_u32(at, page);
        store_u32(at + 4, epoch.epoch);
        store_u64(at + 8, sequence);
        return out;
    }

    [[nodiscard]] Error refuse(PageNumber page) const {
        return {Fault::damaged,
                fmt::format("page {} of store {} does not open with any of its keys; it belongs "
                            "elsewhere, was altered, or the keys are not this store's",
                            page, to_hex(store_))};
    }

    StoreId store_;
    std::vector<Epoch> epochs_;  // ascending; the last seals
};

}  // namespace

std::unique_ptr<PageCipher> make_page_cipher(StoreId store, KeyRing ring) {
    return std::make_unique<XaesPageCipher>(store, std::move(ring));
}

Digest page_leaf(PageNumber page, const SealedPage& sealed) {
    std::array<Byte, 5> prefix{};
    store_u32(prefix.data() + 1, page);
    return crypto::sha256({prefix, sealed});
}

KeyEpoch page_epoch(const SealedPage& sealed) noexcept {
    return load_u32(sealed.data() + kEpochAt);
}

KeyEpoch retired_through(const KeyRing& ring) noexcept {
    for (std::size_t i = ring.size(); i > 1; --i) {
        if (ring[i - 1].timeline == ring[i - 2].timeline) {
            return ring[i - 2].epoch;
        }
    }
    return 0;
}

crypto::Tag page_tag(const SealedPage& sealed) noexcept {
    crypto::Tag tag;
    std::copy_n(sealed.begin() + kTagAt, tag.size(), tag.begin());
    return tag;
}

}  // namespace firedrill::store
