// Byte views, byte strings, fixed digests, and little-endian codecs used by every on-disk format.
//
// Pure functions and values; callable from any thread. Every integer on disk is little-endian.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace firedrill {

using Byte = std::uint8_t;
using Bytes = std::vector<Byte>;
using ByteView = std::span<const Byte>;
using MutableBytes = std::span<Byte>;

inline ByteView as_bytes(std::string_view text) noexcept {
    return {reinterpret_cast<const Byte*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline void append(Bytes& out, ByteView more) {
    out.insert(out.end(), more.begin(), more.end());
}
inline bool equal(ByteView a, ByteView b) noexcept {  // not constant time: never for secrets
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

/// A 32-byte hash value.
struct Digest {
    std::array<Byte, 32> bytes{};
    auto operator<=>(const Digest&) const = default;
    [[nodiscard]] ByteView view() const noexcept { return bytes; }
};

/// A 16-byte random identifier, printed as 32 lower-case hex digits. `Tag` makes ids of different things
/// different types.
template <class Tag>
struct Id {
    std::array<Byte, 16> bytes{};
    auto operator<=>(const Id&) const = default;
    [[nodiscard]] ByteView view() const noexcept { return bytes; }
};
using NodeId = Id<struct NodeTag>;
using StoreId =
    Id<struct StoreTag>;  ///< a practice's store has the practice's id; the directory has all zero bytes
using TimelineId = Id<struct TimelineTag>;
using PersonId = Id<struct PersonTag>;
using SubmissionId = Id<struct SubmissionTag>;

/// Writes little-endian integers and byte strings to the end of a Bytes.
class Writer {
  public:
    explicit Writer(Bytes& out) : out_(out) {}
    void u8(std::uint8_t v) { out_.push_back(v); }
    void u16(std::uint16_t v) { put(v, 2); }
    void u32(std::uint32_t v) { put(v, 4); }
    void u64(std::uint64_t v) { put(v, 8); }
    void bytes(ByteView v) { append(out_, v); }
    /// u32 length, then the bytes.
    void sized(ByteView v) {
        u32(static_cast<std::uint32_t>(v.size()));
        bytes(v);
    }

  private:
    void put(std::uint64_t v, int count) {
        for (int i = 0; i < count; ++i) {
            out_.push_back(static_cast<Byte>(v >> (8 * i)));
        }
    }
    Bytes& out_;
};

/// Reads what Writer wrote. Past the end every read yields zeroes and `is_ok()` turns false for good.
class Reader {
  public:
    explicit Reader(ByteView in) : in_(in) {}
    std::uint8_t u8() { return static_cast<std::uint8_t>(get(1)); }
    std::uint16_t u16() { return static_cast<std::uint16_t>(get(2)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(get(4)); }
    std::uint64_t u64() { return get(8); }
    /// A view into the input; empty and not ok when fewer than `size` bytes are left.
    ByteView bytes(std::size_t size);
    /// A u32 length of at most `limit`, then that many bytes.
    ByteView sized(std::size_t limit);
    template <std::size_t N>
    void fill(std::array<Byte, N>& out) {
        ByteView v = bytes(N);
        if (v.size() == N) {
            std::memcpy(out.data(), v.data(), N);
        }
    }
    [[nodiscard]] bool is_ok() const noexcept { return ok_; }
    [[nodiscard]] std::size_t left() const noexcept { return in_.size() - at_; }
    /// Every byte was read and none was missing: readers reject trailing bytes.
    [[nodiscard]] bool is_done() const noexcept { return ok_ && left() == 0; }

  private:
    std::uint64_t get(std::size_t count);
    ByteView in_;
    std::size_t at_ = 0;
    bool ok_ = true;
};

std::uint32_t load_u32(const Byte* from) noexcept;
std::uint64_t load_u64(const Byte* from) noexcept;
void store_u32(Byte* to, std::uint32_t v) noexcept;
void store_u64(Byte* to, std::uint64_t v) noexcept;

std::string to_hex(ByteView bytes);
/// Exactly 2 lower- or upper-case digits a byte; nullopt otherwise.
std::optional<Bytes> from_hex(std::string_view text);
std::string to_base64(ByteView bytes);     ///< RFC 4648 section 4, padded
std::string to_base64url(ByteView bytes);  ///< RFC 4648 section 5, no padding
/// Strict: no padding, no other characters, no non-zero trailing bits; nullopt otherwise.
std::optional<Bytes> from_base64url(std::string_view text);
/// RFC 4648 section 4 without padding (age headers); strict as above.
std::string to_base64_raw(ByteView bytes);
std::optional<Bytes> from_base64_raw(std::string_view text);

template <class T>
std::string to_hex(const Id<T>& id) {
    return to_hex(id.view());
}

/// 32 hex digits to an id; nullopt otherwise.
template <class IdType>
std::optional<IdType> parse_id(std::string_view hex) {
    auto raw = from_hex(hex);
    if (!raw || raw->size() != 16) {
        return std::nullopt;
    }
    IdType id;
    std::memcpy(id.bytes.data(), raw->data(), 16);
    return id;
}

}  // namespace firedrill
