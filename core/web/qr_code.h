// QR codes (ISO/IEC 18004) of short texts: byte mode, error correction level L, versions 1 to 11. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace firedrill::web {

inline constexpr std::size_t kLongestQrText = 321;  ///< bytes: version 11, level L

class QrCode {
  public:
    /// The smallest version that holds the text; nullopt when it is longer than kLongestQrText.
    static std::optional<QrCode> create(std::string_view text);

    [[nodiscard]] int size() const noexcept { return size_; }  ///< modules a side, without the quiet zone
    [[nodiscard]] bool is_dark(int x, int y) const { return dark_[index(x, y)] != 0; }

  private:
    explicit QrCode(int version);

    [[nodiscard]] std::size_t index(int x, int y) const noexcept {
        return static_cast<std::size_t>(y) * static_cast<std::size_t>(size_) + static_cast<std::size_t>(x);
    }
    void set_function(int x, int y, bool is_dark);
    void draw_finder(int center_x, int center_y);
    void draw_alignment(int center_x, int center_y);
    void draw_functions();
    void draw_format(unsigned mask);
    void draw_version();
    void draw_data(const std::vector<std::uint8_t>& codewords);
    void apply_mask(unsigned mask);
    [[nodiscard]] int penalty() const;
    [[nodiscard]] int line_penalty(bool is_row, int line) const;

    int version_;
    int size_;
    std::vector<std::uint8_t> dark_;      ///< by row; 0 or 1
    std::vector<std::uint8_t> function_;  ///< 1: not for data
};

}  // namespace firedrill::web
