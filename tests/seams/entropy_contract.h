// What every Entropy must keep (seams/entropy.h), in both worlds.
#pragma once

#include <set>

#include "seams/worlds.h"

namespace firedrill::test {

template <class World>
class EntropyContract : public ::testing::Test {
  protected:
    World world_;
};
TYPED_TEST_SUITE(EntropyContract, Worlds, WorldNames);

TYPED_TEST(EntropyContract, FillsEveryByteOfAnySize) {
    for (const std::size_t size : {1U, 7U, 8U, 9U, 255U, 4096U, 70'000U}) {
        // Within 40 fills every position has shown something else than zero, but for one chance in 2^320.
        Bytes seen(size);
        for (int round = 0; round < 40; ++round) {
            Bytes out(size);
            this->world_.entropy().fill(out);
            for (std::size_t i = 0; i < size; ++i) {
                seen[i] = static_cast<Byte>(seen[i] | out[i]);
            }
        }
        EXPECT_EQ(std::count(seen.begin(), seen.end(), 0), 0) << size;
    }
}

TYPED_TEST(EntropyContract, AnEmptyFillIsNothing) {
    this->world_.entropy().fill({});
}

TYPED_TEST(EntropyContract, NeverRepeatsAnId) {
    std::set<NodeId> ids;
    for (int i = 0; i < 1000; ++i) {
        ids.insert(draw_id<NodeId>(this->world_.entropy()));
    }
    EXPECT_EQ(ids.size(), 1000U);
}

}  // namespace firedrill::test
