// Bodies of rows: answers to short and long forms, the same sequence for every contender.
//
// Their sizes vary from 200 to 1,800 bytes, 1,000 on average, so that no contender profits from how many rows
// of one size happen to fit its pages.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace firedrill::bench {

class Bodies {
  public:
    std::string_view next() {
        static constexpr std::size_t kLeast = 200;
        static constexpr std::size_t kSteps = 101;  // a prime: kStride visits every size before any again
        static constexpr std::size_t kStride = 37;
        at_ = (at_ + kStride) % kSteps;
        return std::string_view(text_).substr(0, kLeast + at_ * 16);
    }

  private:
    std::string text_ = std::string(1800, 'x');
    std::size_t at_ = 0;
};

}  // namespace firedrill::bench
