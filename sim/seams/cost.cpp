#include "sim/seams/cost.h"

#include "base/check.h"

namespace firedrill::sim {

Duration WorkCosts::of(Work work) const {
    switch (work) {
        case Work::password_hash: return password_hash;
        case Work::seal_page: return seal_page;
        case Work::hash_page: return hash_page;
        case Work::tls_handshake: return tls_handshake;
        case Work::request: return request;
    }
    CHECK(false);
}

}  // namespace firedrill::sim
