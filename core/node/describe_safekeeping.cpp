#include "node/describe_safekeeping.h"

namespace firedrill::node {

namespace json = boost::json;

namespace {

json::value instant(WallTime at, bool is_there) {
    return is_there ? json::value(format_utc(at)) : json::value(nullptr);
}

json::object describe(const identity::EscrowRecord& escrow) {
    json::array shares;
    for (const identity::ShareRecord& share : escrow.shares) {
        shares.push_back(json::object{{"number", share.number},
                                      {"holder", share.holder},
                                      {"fingerprint", to_hex(ByteView(share.fingerprint))},
                                      {"confirmed", instant(share.confirmed, share.is_confirmed())}});
    }
    const bool is_over = escrow.state != identity::EscrowState::open;
    return {{"id", to_hex(escrow.id)},
            {"state", identity::state_name(escrow.state)},
            {"needed", escrow.needed},
            {"count", escrow.shares.size()},
            {"made_by", escrow.made_by},
            {"made", format_utc(escrow.made)},
            {"ended_by", is_over ? json::value(escrow.ended_by) : json::value(nullptr)},
            {"ended", instant(escrow.ended, is_over)},
            {"shares", std::move(shares)}};
}

}  // namespace

void add_safekeeping(json::object& practice, const identity::Safekept& kept) {
    practice["active_owners"] = kept.active_owners;
    practice["kit"] = nullptr;
    if (const auto& kit = kept.records.kit) {
        practice["kit"] = json::object{{"made_by", identity::maker_name(kit->maker)},
                                       {"login", kit->login},
                                       {"made", format_utc(kit->made)}};
    }
    json::array escrows;
    for (const identity::EscrowRecord& escrow : kept.records.escrows) {
        escrows.push_back(describe(escrow));
    }
    practice["escrows"] = std::move(escrows);
}

}  // namespace firedrill::node
