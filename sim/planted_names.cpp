#include "sim/planted.h"

namespace firedrill::sim {

std::vector<std::string_view> plant_names() {
    return {"",
            "key_left_behind",      // KeyCustody: writes each practice key beside the data
            "altered_answer",       // site: one letter of an answer changes on the way to staff
            "nonce_reused",         // PageCipher: every page of a store under one nonce
            "password_journalled",  // site: writes sign-in bodies to the journal
            "sync_skipped"};        // LogWriter: answers before the records are written
}

}  // namespace firedrill::sim
