#include "sim/planted.h"

namespace firedrill::sim {

std::vector<std::string_view> plant_names() {
    return {"",
            "key_left_behind",      // KeyCustody: writes each practice key beside the data
            "altered_answer",       // site: one character of an answer changes on the way to staff
            "stale_page",           // PageCipher: a read now and then returns the page's previous contents
            "inbox_unsealed",       // InboxSealer: stores plaintext
            "nonce_reused",         // PageCipher: every page of a store under one nonce
            "password_journalled",  // site: writes sign-in bodies to the journal
            "sync_skipped"};        // LogWriter: answers before the records are written
}

}  // namespace firedrill::sim
