#include "identity/codes.h"

#include <fmt/format.h>

#include <algorithm>

#include "crypto/hash.h"

namespace firedrill::identity {

namespace {

struct Shape {
    std::size_t secret_bytes;
    std::size_t check_bytes;  // together a multiple of five: whole characters
    std::string_view name;
};

Shape shape_of(CodeKind kind) {
    switch (kind) {
        case CodeKind::invitation: return {16, 4, "invitation code"};
        case CodeKind::recovery: return {20, 5, "recovery code"};
        case CodeKind::spare: return {8, 2, "spare code"};
    }
    return {16, 4, "code"};
}

Digest check_of(CodeKind kind, ByteView secret) {
    const std::array<Byte, 1> number{static_cast<Byte>(kind)};
    return crypto::sha256({as_bytes("firedrill code v1"), number, secret});
}

Error mistyped(CodeKind kind) {
    const Shape shape = shape_of(kind);
    return Error{
        Fault::bad_input,
        fmt::format(
            "the {} is mistyped or incomplete; it has {} letters and digits, compare it with the paper",
            shape.name, (shape.secret_bytes + shape.check_bytes) * 8 / 5)};
}

}  // namespace

crypto::Secret draw_code(CodeKind kind, Entropy& entropy) {
    crypto::Secret out(shape_of(kind).secret_bytes);
    entropy.fill(out.mutable_view());
    return out;
}

std::string write_code(CodeKind kind, const crypto::Secret& code) {
    const Shape shape = shape_of(kind);
    crypto::Secret all(shape.secret_bytes + shape.check_bytes);
    const Digest check = check_of(kind, code.view());
    std::copy_n(code.view().begin(), shape.secret_bytes, all.mutable_view().begin());
    std::copy_n(check.bytes.begin(), shape.check_bytes, all.mutable_view().begin() + shape.secret_bytes);
    std::string out;
    std::uint32_t bits = 0;
    std::uint32_t held = 0;
    std::size_t letters = 0;
    for (const Byte byte : all.view()) {
        held = (held << 8U) | byte;
        bits += 8;
        while (bits >= 5) {
            if (letters > 0 && letters % 4 == 0) {
                out.push_back('-');
            }
            bits -= 5;
            out.push_back(kCodeLetters[(held >> bits) & 31U]);
            ++letters;
        }
        held &= (1U << bits) - 1;
    }
    return out;
}

Result<crypto::Secret> read_code(CodeKind kind, std::string_view text) {
    const Shape shape = shape_of(kind);
    crypto::Secret all(shape.secret_bytes + shape.check_bytes);
    std::uint32_t bits = 0;
    std::uint32_t held = 0;
    std::size_t filled = 0;
    for (const char typed : text) {
        if (typed == '-' || typed == ' ') {
            continue;
        }
        const char letter = typed >= 'A' && typed <= 'Z' ? static_cast<char>(typed - 'A' + 'a') : typed;
        const std::size_t value = kCodeLetters.find(letter);
        if (value == std::string_view::npos || filled == all.size_bytes()) {
            return mistyped(kind);
        }
        held = (held << 5U) | static_cast<std::uint32_t>(value);
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            all.mutable_view()[filled++] = static_cast<Byte>(held >> bits);
        }
        held &= (1U << bits) - 1;
    }
    const ByteView secret = all.view().first(shape.secret_bytes);
    const Digest check = check_of(kind, secret);
    if (filled != all.size_bytes() || bits != 0 ||
        !crypto::equal_secret(all.view().last(shape.check_bytes), check.view().first(shape.check_bytes))) {
        return mistyped(kind);
    }
    return crypto::Secret(secret);
}

}  // namespace firedrill::identity
