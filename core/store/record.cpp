#include "store/record.h"

#include "crypto/hash.h"
#include "store/log_format.h"

namespace firedrill::store {

Digest commit_hash(const Commit& commit) {
    Bytes description;
    describe_commit(commit, description);
    return crypto::sha256({as_bytes("firedrill commit v1"), description});
}

}  // namespace firedrill::store
