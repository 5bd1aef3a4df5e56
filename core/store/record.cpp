#include "store/record.h"

#include "crypto/hash.h"
#include "store/log_format.h"

namespace firedrill::store {

Digest commit_hash(const Commit& commit) {
    Bytes description;
    describe_commit(commit, description);
    return crypto::sha256({as_bytes("firedrill commit v1"), description});
}

std::span<const PageImage> own_pages(const RecordBody& body) noexcept {
    if (const auto* commit = std::get_if<Commit>(&body)) {
        return std::span(commit->pages).subspan(commit->taken_back ? commit->taken_back->in_parts : 0);
    }
    const auto* part = std::get_if<CommitPart>(&body);
    return part != nullptr ? std::span(part->pages) : std::span<const PageImage>();
}

}  // namespace firedrill::store
