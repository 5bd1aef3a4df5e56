// The SQLite VFS "firedrill": what SQLite believes to be a database file is a PageStore behind a StoreFile.
//
// Writes collect in a batch; xSync closes it into one Commit. There are no other files: journals stay in
// memory, temporary files are refused. SQLite is given neither time nor randomness: SQL that asks for them
// gets an error or NULL, both come as bound parameters. One StoreFile is used by one thread, the store's
// lane.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/page_store.h"

namespace firedrill::store {

/// The most pages that one transaction may change.
inline constexpr std::size_t kMaxChangedPages = 8192;

class StoreFile {
  public:
    /// All three outlive it.
    StoreFile(PageStore& pages, PageCipher& cipher, Entropy& entropy)
        : pages_(pages), cipher_(cipher), entropy_(entropy) {}
    StoreFile(const StoreFile&) = delete;
    StoreFile& operator=(const StoreFile&) = delete;

    /// Makes the VFS known to SQLite; any number of times, from any thread.
    static Status register_vfs();
    /// The URI under which SQLite opens this object through the VFS.
    [[nodiscard]] std::string uri() const;

    /// The first failure; from then on every call of SQLite fails and the connection must be opened again.
    [[nodiscard]] const std::optional<Error>& failure() const noexcept { return failure_; }
    /// The commit that xSync closed since the last call.
    std::optional<Commit> take_commit() { return std::exchange(commit_, std::nullopt); }
    /// Forgets writes that were not synced.
    void drop_batch() noexcept;

    // What the VFS calls.
    Status read(std::uint64_t offset, MutableBytes out, std::size_t& got);
    Status write(std::uint64_t offset, ByteView bytes);
    Status sync();
    [[nodiscard]] std::uint64_t size_bytes() const noexcept;
    /// Keeps the first failure and drops the batch.
    void fail(Error error);

  private:
    /// One page of plaintext; zeroised when it goes.
    struct PlainBuffer {
        std::array<Byte, kPageSize> bytes;
        ~PlainBuffer();
    };
    struct Written {
        PageNumber page = 0;
        std::unique_ptr<PlainBuffer> buffer;
    };
    /// Where `page` stands in the batch, or would.
    [[nodiscard]] std::vector<Written>::iterator place_of(PageNumber page) noexcept;
    [[nodiscard]] const PlainBuffer* written(PageNumber page) noexcept;
    [[nodiscard]] std::unique_ptr<PlainBuffer> take_buffer();
    Status read_page(PageNumber page, MutableBytes out);
    Result<PageNumber> new_page_count();

    PageStore& pages_;
    PageCipher& cipher_;
    Entropy& entropy_;
    std::vector<Written> batch_;                       // ascending, as SQLite writes
    std::vector<std::unique_ptr<PlainBuffer>> spare_;  // zeroised, for the next batch
    std::optional<Commit> commit_;
    std::optional<Error> failure_;
};

}  // namespace firedrill::store
