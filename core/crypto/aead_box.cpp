#include "crypto/aead_box.h"

#include <array>

#include <botan/exceptn.h>

#include "base/check.h"
#include "crypto/secret.h"

namespace firedrill::crypto {
namespace {
constexpr std::size_t kBoxTagSize = 16;
}  // namespace

AeadBox::AeadBox(std::string_view name) : name_(name), key_(32) {
    tail_.reserve(4 * kBoxTagSize);
}

void AeadBox::set_key(ByteView key) {
    CHECK(key.size() == key_.size());
    std::memcpy(key_.data(), key.data(), key.size());
    is_seal_keyed_ = false;
    is_open_keyed_ = false;
}

void AeadBox::seal(ByteView nonce, ByteView associated, ByteView plain, MutableBytes out, MutableBytes tag) {
    CHECK(out.size() == plain.size());
    CHECK(tag.size() == kBoxTagSize);
    if (!seal_) {
        seal_ = Botan::AEAD_Mode::create_or_throw(name_, Botan::Cipher_Dir::Encryption);
        CHECK(seal_->tag_size() == kBoxTagSize);
    }
    if (!is_seal_keyed_) {
        seal_->set_key(key_);
        is_seal_keyed_ = true;
    }
    if (!plain.empty() && out.data() != plain.data()) {
        std::memmove(out.data(), plain.data(), plain.size());
    }
    seal_->set_associated_data(associated);
    seal_->start(nonce);
    seal_->process(out);
    tail_.clear();
    seal_->finish(tail_);
    CHECK(tail_.size() == kBoxTagSize);
    std::memcpy(tag.data(), tail_.data(), kBoxTagSize);
}

bool AeadBox::open(ByteView nonce, ByteView associated, ByteView sealed, ByteView tag, MutableBytes out) {
    CHECK(out.size() == sealed.size());
    CHECK(tag.size() == kBoxTagSize);
    if (!open_) {
        open_ = Botan::AEAD_Mode::create_or_throw(name_, Botan::Cipher_Dir::Decryption);
        CHECK(open_->tag_size() == kBoxTagSize);
    }
    if (!is_open_keyed_) {
        open_->set_key(key_);
        is_open_keyed_ = true;
    }
    if (!sealed.empty() && out.data() != sealed.data()) {
        std::memmove(out.data(), sealed.data(), sealed.size());
    }
    open_->set_associated_data(associated);
    open_->start(nonce);
    open_->process(out);
    tail_.assign(tag.begin(), tag.end());
    try {
        open_->finish(tail_);
    } catch (const Botan::Invalid_Authentication_Tag&) {
        open_->reset();
        zeroise(out);
        return false;
    }
    return true;
}

// The key stream depends on key and nonce alone: sealing what is sealed gives what was plain, sealing
// that gives the tag it should have.
bool AeadBox::open_evenly(ByteView nonce, ByteView associated, ByteView sealed, ByteView tag,
                          MutableBytes out) {
    CHECK(tag.size() == kBoxTagSize);
    std::array<Byte, kBoxTagSize> wanted{};
    seal(nonce, associated, sealed, out, wanted);
    Botan::secure_vector<Byte> again(out.begin(), out.end());
    seal(nonce, associated, again, again, wanted);
    const bool is_opened = equal_secret(wanted, tag);
    zeroise(is_opened ? MutableBytes(again) : out);
    return is_opened;
}

}  // namespace firedrill::crypto
