// Resealer: finds the pages of one store that are sealed under keys which somebody who left may know, and
// seals them anew, a bounded step at a time.
//
// Within store only; belongs to the store's lane. It works below SQLite, which sees the same plaintext in the
// same places: no page cache, schema cookie or change counter has to know. Nothing of its progress is kept:
// each page says in the clear under which key it is sealed, so that whoever begins again finds what is left.
#pragma once

#include <optional>
#include <vector>

#include "store/page_store.h"
#include "store/storage.h"

namespace firedrill::store {

/// Pages of one commit: 1 MiB, what a writing job is promised in the log.
inline constexpr PageNumber kResealPages = 256;
/// Pages that one step looks at.
inline constexpr PageNumber kResealLook = 1024;

class Resealer {
  public:
    /// Pages of epochs up to `retired` are to be sealed anew.
    Resealer(KeyEpoch retired, PageNumber page_count)
        : retired_(retired), end_(page_count), is_old_(page_count) {}

    /// Looks at more pages, or seals some anew as the next commit of `pages`. A page that cannot be read is
    /// left out and stays counted. powered_off; what the cipher says.
    Result<std::optional<Commit>> step(PageStore& pages, PageCipher& cipher, Entropy& entropy);
    /// A commit of somebody else's: what it wrote is not old any more.
    void saw(const Commit& commit);

    [[nodiscard]] KeyEpoch retired() const noexcept { return retired_; }
    /// Nothing is left that a further step could do.
    [[nodiscard]] bool is_over() const noexcept { return looked_ >= end_ && left_ == 0; }
    [[nodiscard]] ResealProgress progress() const noexcept;

  private:
    Status look(PageStore& pages);
    void mark(PageNumber page, bool is_old);

    KeyEpoch retired_;
    PageNumber end_;  // pages there were at the beginning, or fewer since
    PageNumber looked_ = 0;
    PageNumber next_ = 1;  // to be sealed anew; everything before it is done
    PageNumber left_ = 0;
    PageNumber unreadable_ = 0;
    std::vector<bool> is_old_;
};

}  // namespace firedrill::store
