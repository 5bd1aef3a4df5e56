#include <map>

#include "identity/identity.h"

namespace firedrill::identity {

namespace {

class MemoryCustody final : public KeyCustody {
  public:
    void keep(StoreId practice, crypto::Secret practice_key) override {
        keys_.insert_or_assign(practice, std::move(practice_key));
    }
    const crypto::Secret* find(StoreId practice) const override {
        const auto found = keys_.find(practice);
        return found == keys_.end() ? nullptr : &found->second;
    }
    void forget(StoreId practice) override { keys_.erase(practice); }

  private:
    std::map<StoreId, crypto::Secret> keys_;  // Secret zeroises what it releases
};

}  // namespace

std::unique_ptr<KeyCustody> make_key_custody() {
    return std::make_unique<MemoryCustody>();
}

}  // namespace firedrill::identity
