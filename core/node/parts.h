// Parts: the one table from which a node's replaceable pieces are built. The simulator puts worse ones in.
#pragma once

#include <functional>
#include <memory>

#include "forms/submissions.h"
#include "identity/identity.h"
#include "store/storage.h"
#include "web/server.h"

namespace firedrill::node {

struct Parts {
    store::StorageParts storage;
    std::function<std::unique_ptr<identity::KeyCustody>()> key_custody = identity::make_key_custody;
    std::function<std::unique_ptr<forms::InboxSealer>(Entropy&)> inbox_sealer = forms::make_inbox_sealer;
    /// Wraps the site; the default returns it unchanged.
    std::function<std::unique_ptr<web::Handler>(std::unique_ptr<web::Handler>)> site;
};

}  // namespace firedrill::node
