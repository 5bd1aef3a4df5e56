#include "web/qr_code.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/check.h"

namespace firedrill::web {

namespace {

/// Level L of one version: the blocks, all as long or the last ones one longer.
struct Shape {
    int data_codewords;
    int blocks;
    int correction_codewords;      ///< of each block
    std::array<int, 3> alignment;  ///< centres, 0: none
};
constexpr std::array<Shape, 11> kShapes{{{19, 1, 7, {0, 0, 0}},
                                         {34, 1, 10, {6, 18, 0}},
                                         {55, 1, 15, {6, 22, 0}},
                                         {80, 1, 20, {6, 26, 0}},
                                         {108, 1, 26, {6, 30, 0}},
                                         {136, 2, 18, {6, 34, 0}},
                                         {156, 2, 20, {6, 22, 38}},
                                         {194, 2, 24, {6, 24, 42}},
                                         {232, 2, 30, {6, 26, 46}},
                                         {274, 4, 18, {6, 28, 50}},
                                         {324, 4, 20, {6, 30, 54}}}};

const Shape& shape_of(int version) {
    return kShapes[static_cast<std::size_t>(version - 1)];
}

int count_bits(int version) {
    return version < 10 ? 8 : 16;
}

/// Product in GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1.
std::uint8_t multiply(std::uint8_t a, std::uint8_t b) {
    unsigned product = 0;
    for (int bit = 7; bit >= 0; --bit) {
        product = (product << 1U) ^ ((product >> 7U) * 0x11DU);
        product ^= ((static_cast<unsigned>(b) >> bit) & 1U) * a;
    }
    return static_cast<std::uint8_t>(product);
}

/// Coefficients of the product of (x - 2^i), i < degree, without the leading one.
std::vector<std::uint8_t> generator_of(int degree) {
    std::vector<std::uint8_t> out(static_cast<std::size_t>(degree), 0);
    out.back() = 1;
    std::uint8_t root = 1;
    for (int i = 0; i < degree; ++i) {
        for (std::size_t j = 0; j < out.size(); ++j) {
            out[j] = multiply(out[j], root);
            if (j + 1 < out.size()) {
                out[j] ^= out[j + 1];
            }
        }
        root = multiply(root, 2);
    }
    return out;
}

std::vector<std::uint8_t> correction_of(const std::vector<std::uint8_t>& block, int degree) {
    const std::vector<std::uint8_t> generator = generator_of(degree);
    std::vector<std::uint8_t> rest(generator.size(), 0);
    for (const std::uint8_t byte : block) {
        const std::uint8_t factor = byte ^ rest.front();
        rest.erase(rest.begin());
        rest.push_back(0);
        for (std::size_t i = 0; i < rest.size(); ++i) {
            rest[i] ^= multiply(generator[i], factor);
        }
    }
    return rest;
}

/// Mode, count, text, terminator and padding.
std::vector<std::uint8_t> data_of(std::string_view text, int version) {
    std::vector<std::uint8_t> bits;
    const auto put = [&](unsigned value, int width) {
        for (int i = width - 1; i >= 0; --i) {
            bits.push_back(static_cast<std::uint8_t>((value >> i) & 1U));
        }
    };
    put(4, 4);  // byte mode
    put(static_cast<unsigned>(text.size()), count_bits(version));
    for (const char c : text) {
        put(static_cast<unsigned char>(c), 8);
    }
    const auto capacity = static_cast<std::size_t>(shape_of(version).data_codewords) * 8;
    CHECK(bits.size() <= capacity);
    bits.resize(std::min(capacity, bits.size() + 4), 0);
    bits.resize((bits.size() + 7) / 8 * 8, 0);
    for (unsigned pad = 0xEC; bits.size() < capacity; pad ^= 0xECU ^ 0x11U) {
        put(pad, 8);
    }
    std::vector<std::uint8_t> out(capacity / 8, 0);
    for (std::size_t i = 0; i < bits.size(); ++i) {
        out[i / 8] = static_cast<std::uint8_t>(out[i / 8] << 1U | bits[i]);
    }
    return out;
}

/// Data cut into blocks, each with its correction, and all of them interleaved.
std::vector<std::uint8_t> codewords_of(const std::vector<std::uint8_t>& data, int version) {
    const Shape& shape = shape_of(version);
    const auto count = static_cast<std::size_t>(shape.blocks);
    const std::size_t shorter = data.size() / count;
    const std::size_t longer_from = count - data.size() % count;
    std::vector<std::vector<std::uint8_t>> blocks;
    std::vector<std::vector<std::uint8_t>> corrections;
    auto at = data.begin();
    for (std::size_t i = 0; i < count; ++i) {
        const auto end = at + static_cast<std::ptrdiff_t>(shorter + (i >= longer_from ? 1 : 0));
        blocks.emplace_back(at, end);
        corrections.push_back(correction_of(blocks.back(), shape.correction_codewords));
        at = end;
    }
    std::vector<std::uint8_t> out;
    for (const auto* all : {&blocks, &corrections}) {
        for (std::size_t i = 0; i < all->back().size(); ++i) {
            for (const auto& one : *all) {
                if (i < one.size()) {
                    out.push_back(one[i]);
                }
            }
        }
    }
    return out;
}

bool is_masked(unsigned mask, int x, int y) {
    switch (mask) {
        case 0: return (x + y) % 2 == 0;
        case 1: return y % 2 == 0;
        case 2: return x % 3 == 0;
        case 3: return (x + y) % 3 == 0;
        case 4: return (x / 3 + y / 2) % 2 == 0;
        case 5: return x * y % 2 + x * y % 3 == 0;
        case 6: return (x * y % 2 + x * y % 3) % 2 == 0;
        default: return ((x + y) % 2 + x * y % 3) % 2 == 0;
    }
}

/// `value` and the remainder of its division by `generator`, which has `bits` + 1 bits.
unsigned with_remainder(unsigned value, unsigned generator, int bits) {
    unsigned rest = value;
    for (int i = 0; i < bits; ++i) {
        rest = (rest << 1U) ^ ((rest >> (bits - 1)) * generator);
    }
    return value << bits | rest;
}

}  // namespace

QrCode::QrCode(int version)
    : version_(version),
      size_(17 + 4 * version),
      dark_(static_cast<std::size_t>(size_) * static_cast<std::size_t>(size_), 0),
      function_(dark_.size(), 0) {}

std::optional<QrCode> QrCode::create(std::string_view text) {
    int version = 1;
    const auto holds = [&](int candidate) {
        return static_cast<std::size_t>(4 + count_bits(candidate)) + text.size() * 8 <=
               static_cast<std::size_t>(shape_of(candidate).data_codewords) * 8;
    };
    while (!holds(version)) {
        if (++version > static_cast<int>(kShapes.size())) {
            return std::nullopt;
        }
    }
    QrCode plain(version);
    plain.draw_functions();
    plain.draw_data(codewords_of(data_of(text, version), version));
    std::optional<QrCode> best;
    for (unsigned mask = 0; mask < 8; ++mask) {
        QrCode candidate = plain;
        candidate.draw_format(mask);
        candidate.apply_mask(mask);
        if (!best || candidate.penalty() < best->penalty()) {
            best = std::move(candidate);
        }
    }
    return best;
}

void QrCode::set_function(int x, int y, bool is_dark) {
    dark_[index(x, y)] = is_dark ? 1 : 0;
    function_[index(x, y)] = 1;
}

void QrCode::draw_finder(int center_x, int center_y) {
    for (int dy = -4; dy <= 4; ++dy) {
        for (int dx = -4; dx <= 4; ++dx) {
            const int x = center_x + dx;
            const int y = center_y + dy;
            const int ring = std::max(std::abs(dx), std::abs(dy));
            if (x >= 0 && x < size_ && y >= 0 && y < size_) {
                set_function(x, y, ring != 2 && ring != 4);
            }
        }
    }
}

void QrCode::draw_alignment(int center_x, int center_y) {
    for (int dy = -2; dy <= 2; ++dy) {
        for (int dx = -2; dx <= 2; ++dx) {
            set_function(center_x + dx, center_y + dy, std::max(std::abs(dx), std::abs(dy)) != 1);
        }
    }
}

void QrCode::draw_functions() {
    for (int i = 0; i < size_; ++i) {
        set_function(6, i, i % 2 == 0);
        set_function(i, 6, i % 2 == 0);
    }
    draw_finder(3, 3);
    draw_finder(size_ - 4, 3);
    draw_finder(3, size_ - 4);
    const int last = *std::ranges::max_element(shape_of(version_).alignment);
    for (const int x : shape_of(version_).alignment) {
        for (const int y : shape_of(version_).alignment) {
            const bool is_finder = (x == 6 && (y == 6 || y == last)) || (x == last && y == 6);
            if (x != 0 && y != 0 && !is_finder) {
                draw_alignment(x, y);
            }
        }
    }
    draw_format(0);  // reserves its place
    draw_version();
}

void QrCode::draw_format(unsigned mask) {
    constexpr unsigned kLevelL = 1;
    const unsigned bits = with_remainder(kLevelL << 3U | mask, 0x537, 10) ^ 0x5412U;
    const auto bit = [&](int i) { return ((bits >> i) & 1U) != 0; };
    for (int i = 0; i <= 5; ++i) {
        set_function(8, i, bit(i));
        set_function(5 - i, 8, bit(9 + i));
    }
    set_function(8, 7, bit(6));
    set_function(8, 8, bit(7));
    set_function(7, 8, bit(8));
    for (int i = 0; i < 8; ++i) {
        set_function(size_ - 1 - i, 8, bit(i));
    }
    for (int i = 8; i < 15; ++i) {
        set_function(8, size_ - 15 + i, bit(i));
    }
    set_function(8, size_ - 8, true);
}

void QrCode::draw_version() {
    if (version_ < 7) {
        return;
    }
    const unsigned bits = with_remainder(static_cast<unsigned>(version_), 0x1F25, 12);
    for (int i = 0; i < 18; ++i) {
        const bool is_dark = ((bits >> i) & 1U) != 0;
        set_function(size_ - 11 + i % 3, i / 3, is_dark);
        set_function(i / 3, size_ - 11 + i % 3, is_dark);
    }
}

// Two columns at a time from the right, up and down in turn; the timing column does not count.
void QrCode::draw_data(const std::vector<std::uint8_t>& codewords) {
    std::size_t next = 0;
    bool is_upward = true;
    for (int right = size_ - 1; right >= 1; right -= 2) {
        right = right == 6 ? 5 : right;
        for (int i = 0; i < size_; ++i) {
            const int y = is_upward ? size_ - 1 - i : i;
            for (const int x : {right, right - 1}) {
                if (function_[index(x, y)] == 0 && next < codewords.size() * 8) {
                    dark_[index(x, y)] = (codewords[next / 8] >> (7 - next % 8)) & 1U;
                    ++next;
                }
            }
        }
        is_upward = !is_upward;
    }
    CHECK(next == codewords.size() * 8);
}

void QrCode::apply_mask(unsigned mask) {
    for (int y = 0; y < size_; ++y) {
        for (int x = 0; x < size_; ++x) {
            if (function_[index(x, y)] == 0 && is_masked(mask, x, y)) {
                dark_[index(x, y)] ^= 1U;
            }
        }
    }
}

// Runs of five and more, and patterns that look like a finder.
int QrCode::line_penalty(bool is_row, int line) const {
    const auto at = [&](int i) { return is_row ? is_dark(i, line) : is_dark(line, i); };
    int out = 0;
    for (int start = 0; start < size_;) {
        int end = start;
        while (end < size_ && at(end) == at(start)) {
            ++end;
        }
        out += end - start >= 5 ? end - start - 2 : 0;
        start = end;
    }
    for (int start = 0; start + 11 <= size_; ++start) {
        unsigned window = 0;
        for (int i = 0; i < 11; ++i) {
            window = window << 1U | (at(start + i) ? 1U : 0U);
        }
        out += window == 0b10111010000U || window == 0b00001011101U ? 40 : 0;
    }
    return out;
}

int QrCode::penalty() const {
    int out = 0;
    int dark = 0;
    for (int line = 0; line < size_; ++line) {
        out += line_penalty(true, line) + line_penalty(false, line);
    }
    for (int y = 0; y < size_; ++y) {
        for (int x = 0; x < size_; ++x) {
            dark += is_dark(x, y) ? 1 : 0;
            const bool is_block = x + 1 < size_ && y + 1 < size_ && is_dark(x, y) == is_dark(x + 1, y) &&
                                  is_dark(x, y) == is_dark(x, y + 1) &&
                                  is_dark(x, y) == is_dark(x + 1, y + 1);
            out += is_block ? 3 : 0;
        }
    }
    return out + std::abs(dark * 20 - size_ * size_ * 10) / (size_ * size_) * 10;
}

}  // namespace firedrill::web
