#include "identity/node_keys.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "crypto/aead.h"

namespace firedrill::identity {

namespace {

// Offsets of docs/formats/key_slots.md, part 1.
constexpr std::string_view kMagic = "FDNODKEY";
constexpr std::uint16_t kVersion = 2;
constexpr std::size_t kHeaderSize = 56;
constexpr std::size_t kSlotSize = kHeaderSize + crypto::kWrapOverhead + crypto::kKeySize;
constexpr std::size_t kDocumentLimit = 64 * 1024;
constexpr std::size_t kSaltSize = 16;
constexpr std::uint32_t kEpochLimit = 512;
constexpr std::uint32_t kEpochsForTimelines = 128;  // of them; asking for a new key leaves these
constexpr std::uint32_t kSeedLimit = 64;
constexpr std::size_t kPemLimit = 12 * 1024;
constexpr std::size_t kSeedSize = 32;

// A hostile document must not choose how much memory and time opening it takes.
constexpr std::uint32_t kLeastMemoryKib = 8;
constexpr std::uint32_t kMostMemoryKib = 1024 * 1024;
constexpr std::uint32_t kMostPasses = 16;

Error not_a_document(std::string_view why) {
    return Error{Fault::bad_input,
                 fmt::format("node key slots: {}; use the data folder and log that belong together", why)};
}

Bytes context_of(std::string_view what, ByteView bound) {
    Bytes out(what.begin(), what.end());
    append(out, bound);
    return out;
}
Bytes slot_context(ByteView header) {
    return context_of("firedrill node key v2", header);
}
Bytes secrets_context(ByteView slot) {
    return context_of("firedrill node secrets v2", slot);
}

struct Header {
    NodeId node;
    crypto::PasswordCost cost;
    std::array<Byte, kSaltSize> salt{};
    std::uint32_t passphrase_number = 0;
};

Result<Header> read_header(ByteView document) {
    if (document.size() > kDocumentLimit) {
        return not_a_document("more than 64 KiB");
    }
    Reader reader(document);
    if (as_text(reader.bytes(kMagic.size())) != kMagic) {
        return not_a_document("the document does not start like one");
    }
    const std::uint16_t version = reader.u16();
    if (reader.is_ok() && version > kVersion) {
        return Error{
            Fault::newer_format,
            fmt::format("node key slots: format {} is newer than this program knows ({}); upgrade it",
                        version, kVersion)};
    }
    if (reader.u16() != 0 || version != kVersion) {
        return not_a_document("its format was never released, so that nothing reads it");
    }
    Header out;
    reader.fill(out.node.bytes);
    out.cost = {reader.u32(), reader.u32()};
    reader.fill(out.salt);
    out.passphrase_number = reader.u32();
    if (!reader.is_ok() || document.size() < kSlotSize) {
        return not_a_document("it is cut short");
    }
    if (out.cost.memory_kib < kLeastMemoryKib || out.cost.memory_kib > kMostMemoryKib ||
        out.cost.passes < 1 || out.cost.passes > kMostPasses) {
        return not_a_document("its Argon2id cost is out of bounds");
    }
    if (out.passphrase_number == 0) {
        return not_a_document("its passphrase has no number");
    }
    return out;
}

// Writes into locked memory of exactly the right size, so that no copy of a secret stays on the heap.
class SecretWriter {
  public:
    explicit SecretWriter(std::size_t size_bytes) : out_(size_bytes) {}
    void bytes(ByteView more) {
        CHECK(at_ + more.size() <= out_.size_bytes());
        std::ranges::copy(more, out_.mutable_view().begin() + static_cast<std::ptrdiff_t>(at_));
        at_ += more.size();
    }
    void u32(std::uint32_t value) {
        std::array<Byte, 4> raw{};
        store_u32(raw.data(), value);
        bytes(raw);
    }
    void wall(WallTime at) {
        std::array<Byte, 8> raw{};
        store_u64(raw.data(), static_cast<std::uint64_t>(at.ns));
        bytes(raw);
    }
    void sized(ByteView more) {
        u32(static_cast<std::uint32_t>(more.size()));
        bytes(more);
    }
    crypto::Secret finish() {
        CHECK(at_ == out_.size_bytes());
        return std::move(out_);
    }

  private:
    crypto::Secret out_;
    std::size_t at_ = 0;
};

constexpr std::size_t kEpochSize = 4 + 16 + crypto::kKeySize;
constexpr std::size_t kDatesSize = 5 * 8;

crypto::Secret write_secrets(const NodeKeys& keys) {
    CHECK(!keys.directory.empty() && keys.directory.size() <= kEpochLimit);
    CHECK(keys.former_signing.size() < kSeedLimit);
    const std::array<ByteView, 4> texts{as_bytes(keys.authority_pem), keys.authority_key_pem.view(),
                                        as_bytes(keys.chain_pem), keys.tls_key_pem.view()};
    std::size_t size =
        kDatesSize + 8 + (keys.former_signing.size() + 1) * kSeedSize + keys.directory.size() * kEpochSize;
    for (const ByteView text : texts) {
        CHECK(text.size() <= kPemLimit);
        size += 4 + text.size();
    }
    SecretWriter out(size);
    const SecretDates& made = keys.made;
    for (const WallTime at :
         {made.passphrase, made.directory, made.signing, made.authority, made.certificate}) {
        out.wall(at);
    }
    out.u32(static_cast<std::uint32_t>(keys.former_signing.size() + 1));
    for (const crypto::Secret& seed : keys.former_signing) {
        CHECK(seed.size_bytes() == kSeedSize);
        out.bytes(seed.view());
    }
    CHECK(keys.signing_seed.size_bytes() == kSeedSize);
    out.bytes(keys.signing_seed.view());
    out.u32(static_cast<std::uint32_t>(keys.directory.size()));
    for (const store::EpochKey& epoch : keys.directory) {
        CHECK(epoch.key.size_bytes() == crypto::kKeySize);
        out.u32(epoch.epoch);
        out.bytes(epoch.timeline.view());
        out.bytes(epoch.key.view());
    }
    for (const ByteView text : texts) {
        out.sized(text);
    }
    return out.finish();
}

Status read_seeds(Reader& reader, NodeKeys& out) {
    const std::uint32_t count = reader.u32();
    if (count == 0 || count > kSeedLimit) {
        return not_a_document("its signing keys are out of bounds");
    }
    for (std::uint32_t i = 0; i + 1 < count && reader.is_ok(); ++i) {
        out.former_signing.emplace_back(reader.bytes(kSeedSize));
    }
    out.signing_seed = crypto::Secret(reader.bytes(kSeedSize));
    return {};
}

Status read_directory(Reader& reader, NodeKeys& out) {
    const std::uint32_t count = reader.u32();
    if (count == 0 || count > kEpochLimit) {
        return not_a_document("its directory epochs are out of bounds");
    }
    for (std::uint32_t i = 0; i < count && reader.is_ok(); ++i) {
        store::EpochKey epoch;
        epoch.epoch = reader.u32();
        reader.fill(epoch.timeline.bytes);
        epoch.key = crypto::Secret(reader.bytes(crypto::kKeySize));
        if (epoch.epoch <= (out.directory.empty() ? 0 : out.directory.back().epoch)) {
            return not_a_document("its directory epochs do not ascend");
        }
        out.directory.push_back(std::move(epoch));
    }
    return {};
}

Status read_secrets(ByteView blob, NodeKeys& out) {
    Reader reader(blob);
    SecretDates& made = out.made;
    for (WallTime* at :
         {&made.passphrase, &made.directory, &made.signing, &made.authority, &made.certificate}) {
        at->ns = static_cast<std::int64_t>(reader.u64());
    }
    TRY(read_seeds(reader, out));
    TRY(read_directory(reader, out));
    out.authority_pem = as_text(reader.sized(kPemLimit));
    out.authority_key_pem = crypto::Secret(reader.sized(kPemLimit));
    out.chain_pem = as_text(reader.sized(kPemLimit));
    out.tls_key_pem = crypto::Secret(reader.sized(kPemLimit));
    if (!reader.is_done()) {
        return not_a_document("its sealed part is cut short or too long");
    }
    return {};
}

Bytes seal_secrets(const NodeKeys& keys, Bytes slot, Entropy& entropy) {
    const crypto::Secret blob = write_secrets(keys);
    const Bytes sealed = crypto::wrap(keys.node_key, secrets_context(slot), blob.view(), entropy);
    Writer(slot).sized(sealed);
    CHECK(slot.size() <= kDocumentLimit);
    return slot;
}

crypto::Secret draw_secret(std::size_t size_bytes, Entropy& entropy) {
    crypto::Secret out(size_bytes);
    entropy.fill(out.mutable_view());
    return out;
}

void add_epoch(NodeKeys& keys, TimelineId timeline, Entropy& entropy, WallTime now) {
    const store::KeyEpoch next = keys.directory.empty() ? 1 : keys.directory.back().epoch + 1;
    keys.directory.push_back({next, timeline, draw_secret(crypto::kKeySize, entropy)});
    keys.made.directory = now;
}

}  // namespace

NodeKeys make_node_keys(TimelineId timeline, Entropy& entropy, WallTime now) {
    NodeKeys out;
    out.node = draw_id<NodeId>(entropy);
    out.node_key = draw_secret(crypto::kKeySize, entropy);
    out.signing_seed = draw_secret(kSeedSize, entropy);
    CHECK(ensure_epoch(out, timeline, entropy, now));
    out.made = {now, now, now, now, now};
    return out;
}

Bytes seal_node_keys(const NodeKeys& keys, const crypto::Secret& passphrase, crypto::PasswordCost cost,
                     Entropy& entropy) {
    CHECK(keys.node_key.size_bytes() == crypto::kKeySize);
    std::array<Byte, kSaltSize> salt{};
    entropy.fill(salt);
    Bytes slot;
    Writer writer(slot);
    writer.bytes(as_bytes(kMagic));
    writer.u16(kVersion);
    writer.u16(0);
    writer.bytes(keys.node.view());
    writer.u32(cost.memory_kib);
    writer.u32(cost.passes);
    writer.bytes(salt);
    writer.u32(keys.passphrase_number);
    CHECK(slot.size() == kHeaderSize);
    const crypto::Secret kek = crypto::argon2id(passphrase.view(), salt, cost, crypto::kKeySize);
    append(slot, crypto::wrap(kek, slot_context(slot), keys.node_key.view(), entropy));
    return seal_secrets(keys, std::move(slot), entropy);
}

Result<Bytes> reseal_node_keys(const NodeKeys& keys, ByteView document, Entropy& entropy) {
    const Header header = TRY(read_header(document));
    if (header.node != keys.node || header.passphrase_number != keys.passphrase_number) {
        return not_a_document("it belongs to another node or to another of its passphrases");
    }
    const ByteView slot = document.first(kSlotSize);
    return seal_secrets(keys, Bytes(slot.begin(), slot.end()), entropy);
}

Result<NodeKeys> open_node_keys(ByteView document, const crypto::Secret& passphrase) {
    const Header header = TRY(read_header(document));
    const crypto::Secret kek =
        crypto::argon2id(passphrase.view(), header.salt, header.cost, crypto::kKeySize);
    const ByteView slot = document.first(kSlotSize);
    auto node_key = crypto::unwrap(kek, slot_context(slot.first(kHeaderSize)), slot.subspan(kHeaderSize));
    if (!node_key) {
        return Error{node_key.error().fault == Fault::wrong_secret ? Fault::wrong_secret : Fault::damaged,
                     "node passphrase: it does not open this node's keys; give the one that was set last"};
    }
    Reader reader(document.subspan(kSlotSize));
    const ByteView sealed = reader.sized(kDocumentLimit);
    if (!reader.is_done()) {
        return not_a_document("its sealed part is cut short or too long");
    }
    const auto blob = crypto::unwrap(*node_key, secrets_context(slot), sealed);
    if (!blob) {
        return Error{Fault::damaged,
                     "node key slots: the sealed part was altered; restore the document from the log"};
    }
    NodeKeys out;
    out.node = header.node;
    out.passphrase_number = header.passphrase_number;
    out.node_key = std::move(node_key).value();
    TRY(read_secrets(blob->view(), out));
    return out;
}

Result<std::uint32_t> passphrase_number_of(ByteView document) {
    return TRY(read_header(document)).passphrase_number;
}

bool ensure_epoch(NodeKeys& keys, TimelineId timeline, Entropy& entropy, WallTime now) {
    if (!keys.directory.empty() && keys.directory.back().timeline == timeline) {
        return false;
    }
    add_epoch(keys, timeline, entropy, now);
    return true;
}

void renew_node_key(NodeKeys& keys, Entropy& entropy, WallTime now) {
    ++keys.passphrase_number;
    keys.node_key = draw_secret(crypto::kKeySize, entropy);
    keys.made.passphrase = now;
}

Status renew_directory(NodeKeys& keys, TimelineId timeline, Entropy& entropy, WallTime now) {
    if (keys.directory.size() + kEpochsForTimelines >= kEpochLimit) {
        return Error{Fault::limit, fmt::format("directory key: {} were made, no more fit; copy the practices "
                                               "to a new node",
                                               keys.directory.size())};
    }
    add_epoch(keys, timeline, entropy, now);
    return {};
}

Status renew_signing(NodeKeys& keys, Entropy& entropy, WallTime now) {
    if (keys.former_signing.size() + 1 >= kSeedLimit) {
        return Error{Fault::limit,
                     fmt::format("signing key: {} were made, no more fit; copy the practices to "
                                 "a new node",
                                 kSeedLimit)};
    }
    keys.former_signing.push_back(std::move(keys.signing_seed));
    keys.signing_seed = draw_secret(kSeedSize, entropy);
    keys.made.signing = now;
    return {};
}

NodeKeys copy_node_keys(const NodeKeys& keys) {
    NodeKeys out;
    out.node = keys.node;
    out.passphrase_number = keys.passphrase_number;
    out.node_key = keys.node_key.copy();
    out.signing_seed = keys.signing_seed.copy();
    for (const crypto::Secret& seed : keys.former_signing) {
        out.former_signing.push_back(seed.copy());
    }
    for (const store::EpochKey& epoch : keys.directory) {
        out.directory.push_back({epoch.epoch, epoch.timeline, epoch.key.copy()});
    }
    out.authority_pem = keys.authority_pem;
    out.authority_key_pem = keys.authority_key_pem.copy();
    out.chain_pem = keys.chain_pem;
    out.tls_key_pem = keys.tls_key_pem.copy();
    out.made = keys.made;
    return out;
}

}  // namespace firedrill::identity
