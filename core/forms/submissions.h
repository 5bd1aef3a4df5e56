// Submissions: sealed inbox in, practice store out.
//
// Every submission is sealed at once to the practice's inbox recipient (an age v1 file) and stored in the
// directory's inbox; the plaintext is forgotten. drain() moves what is there into the practice's store,
// exactly once by submission id, whatever crashes between. Loop only. Formats: docs/formats/inbox.md
// and submission_envelope.md.
#pragma once

#include <functional>
#include <memory>

#include "forms/questionnaire.h"
#include "seams/seams.h"
#include "store/storage.h"

namespace firedrill::forms {

/// Migrations of a practice's store (submissions, inbox identity).
std::span<const store::Migration> practice_migrations();
/// Stores an inbox identity in a practice's store, unless it is there already; node wires it to
/// IdentityOptions::on_created. The inbox itself is a table of the directory store
/// (core/identity/directory.cpp): number integer primary key, id blob, practice blob, received_ns integer,
/// sealed blob, drained integer; unique (practice, id).
Status store_inbox_identity(store::Database& database, const crypto::Secret& inbox_identity);

/// Seals plaintext for a practice. A replaceable part.
class InboxSealer {
  public:
    virtual ~InboxSealer() = default;
    virtual Result<Bytes> seal(const std::array<Byte, 32>& recipient, ByteView plain) = 0;
};
std::unique_ptr<InboxSealer> make_inbox_sealer(Entropy& entropy);

struct Summary {
    SubmissionId id;
    std::string form;
    WallTime received;
};
/// A place in the list of a practice's submissions, which is ordered by this: newest first, and of those of
/// one instant the greater id. It stays what it is while others come.
struct ListKey {
    WallTime received;
    SubmissionId id;
    auto operator<=>(const ListKey&) const = default;
};
enum class ListFrom : std::uint8_t { newest, older_than, newer_than };
struct ListWish {
    ListFrom from = ListFrom::newest;
    ListKey key;  ///< older_than: those after it in the list; newer_than: those just before it
    std::uint32_t limit = 0;
};
struct SummaryPage {
    std::vector<Summary> items;  ///< newest first
    bool has_newer = false;      ///< than the first of them
    bool has_older = false;      ///< than the last of them
};
struct Submission {
    Summary summary;
    std::string response;  ///< QuestionnaireResponse JSON
};

class Submissions {
  public:
    template <class T>
    using Then = std::function<void(Result<T>)>;

    /// `journal` takes one sentence for operators (items that do not open); may be empty.
    static std::unique_ptr<Submissions> create(Seams seams, store::Storage& storage,
                                               std::unique_ptr<InboxSealer> sealer,
                                               std::function<void(std::string_view)> journal = {});
    virtual ~Submissions() = default;
    /// Durable on ok. The same id again (a retry) is ok and changes nothing. `response` <= 256 KiB.
    /// unavailable: the practice's inbox holds kInboxLimit undrained items.
    virtual void submit(StoreId practice, const std::array<Byte, 32>& recipient, SubmissionId id,
                        std::string_view form, std::string response, Then<void> then) = 0;
    /// After the practice was unlocked: puts back in the queue what its store lacks since it was taken back
    /// to an earlier state, then opens and stores everything undrained. Yields how many were new. An item
    /// that does not open is left undrained, counted in a note, and does not stop the others.
    virtual void drain(StoreId practice, Then<std::uint32_t> then) = 0;
    /// At most `limit` of them, newest first; drains first. refused when locked.
    virtual void list(StoreId practice, ListWish wish, Then<SummaryPage> then) = 0;
    virtual void read(StoreId practice, SubmissionId id, Then<Submission> then) = 0;
};
inline constexpr std::uint32_t kInboxLimit = 100'000;

}  // namespace firedrill::forms
