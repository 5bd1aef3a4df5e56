// SimDisk: one simulated disk: a folder of flat names whose contents survive nodes, and the faults it can
// suffer.
//
// FAULT MODEL. Every area of the program is tested against these; what each must survive stands in its own
// tests.
//
//   power loss      each 512-byte sector written since the last good sync of its file is kept, dropped or
//   torn,
//                   one by one; file sizes end anywhere between the old and the new; of unsynced names, each
//                   group of names that one operation ties together keeps a prefix of its operations (a
//                   rename is atomic)
//   bit_rot         one bit of a durable sector turns over
//   latent_error    reads of a sector fail until it is written anew
//   corruption      a person or program overwrites bytes behind our back
//   lying_sync      syncs answer ok and make nothing durable, until told otherwise
//   failed_sync     one sync fails; by chance some of its sectors are written, the others never will be by
//                   a later sync, though reads go on showing them until power is lost
//   lost_write      one synced sector silently keeps its old contents
//   misdirected     one synced sector lands elsewhere in the file; the intended one keeps its old contents
//   stale_read      one read of a sector that was overwritten returns what it held before
//   short_read      one read returns fewer bytes than there are
//   failed_call     the k-th operation from now fails, done or not done, once or for ever
//   slow, stalled   operations take longer
//   dead            every operation fails
//   full            the capacity is used up
//   swapped         the whole disk goes back to an earlier image
//
// Each single fault has a Fault Record with its id; whoever finds it out says how it ended. Used on the
// universe's one thread. The disk outlives nodes; what was opened before a loss of power answers powered_off
// for ever.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "seams/disk.h"
#include "sim/seams/cost.h"
#include "sim/seams/inode.h"
#include "sim/seams/loop.h"
#include "sim/seams/random.h"

namespace firedrill::sim {

enum class FaultKind : std::uint8_t {
    bit_rot,
    latent_error,
    corruption,
    lying_sync,
    failed_sync,
    lost_write,
    misdirected,
    stale_read,
    short_read,
    failed_call,
    stalled,
    dead,
    swapped,
};
std::string_view fault_kind_name(FaultKind kind) noexcept;

/// How a fault ended. The disk itself knows only `harmless` (overwritten or gone before anybody read it).
enum class FaultEnd : std::uint8_t { pending, detected, repaired, harmless, escaped };

struct FaultRecord {
    std::uint32_t id = 0;
    FaultKind kind{};
    std::string file;  ///< empty: the whole disk
    std::uint64_t offset = 0;
    std::uint64_t size_bytes = 0;
    Instant at;                    ///< when it was injected
    bool has_struck = false;       ///< armed faults strike later
    std::uint64_t read_count = 0;  ///< reads that showed it
    Bytes pristine;                ///< what the bytes at `offset` should be, where bytes were changed
    FaultEnd end = FaultEnd::pending;
};

/// What operation_count() counts and a watch is told of.
enum class DiskOperation : std::uint8_t {
    open,
    read,
    write,
    truncate,
    allocate,
    sync,
    rename,
    remove,
    list,
    sync_names,
};
inline constexpr std::size_t kDiskOperations = 10;
std::string_view disk_operation_name(DiskOperation operation) noexcept;

enum class CallOutcome : std::uint8_t { not_done, done };  ///< of a call that is reported as failed
enum class Times : std::uint8_t { once, for_ever };

/// Everything durable on a disk at one moment: a copy of all of it.
struct DiskImage {
    std::map<std::string, std::shared_ptr<const SparseBytes>, std::less<>> files;
};

struct SimDiskOptions {
    DeviceModel model = kSataSsd;
    std::uint64_t capacity_bytes = 1ULL << 40;
    bool can_tear = true;  ///< false: power loss keeps or drops whole sectors only
};

class SimDisk final : public Disk {
  public:
    /// `label`: "main/node1/disk0". `random` decides what power loss keeps.
    SimDisk(std::string label, SimLoop& loop, CostMeter& meter, Random random, SimDiskOptions options = {});
    ~SimDisk() override;
    SimDisk(const SimDisk&) = delete;
    SimDisk& operator=(const SimDisk&) = delete;

    Result<std::unique_ptr<File>> open(std::string_view name, Open how) override;
    Status rename(std::string_view from, std::string_view to) override;
    Status remove(std::string_view name) override;
    Result<std::vector<std::string>> list() override;
    Status sync_names() override;
    Result<std::uint64_t> free_space_bytes() override;
    Result<std::unique_ptr<Claim>> claim(std::string_view owner) override;
    std::string label() const override { return label_; }

    // Power.
    /// What is not durable is kept, dropped or torn; open files and claims die; calls answer powered_off.
    void power_loss();
    void power_on() { powered_ = true; }
    /// The process is gone: open files and claims die, everything written stays.
    void close_all();
    [[nodiscard]] bool is_powered() const noexcept { return powered_; }
    /// Power goes during the k-th operation from now (k >= 1): it and all later ones answer powered_off, and
    /// `on_power_cut` is called, once, from inside it. 0 disarms.
    void cut_power_after(std::uint64_t k) { cut_after_ = k; }
    /// Called when cut_power_after() strikes: cut the rest of the machine; destroy nothing that may be on the
    /// stack.
    std::function<void()> on_power_cut;
    /// Operations so far.
    [[nodiscard]] std::uint64_t operation_count() const noexcept { return operation_count_; }

    // Faults. Each returns the id of its record, or nullopt when there is nothing it could apply to.
    std::optional<std::uint32_t> rot_bit(std::string_view file, std::uint64_t offset, unsigned bit);
    std::optional<std::uint32_t> corrupt(std::string_view file, std::uint64_t offset, ByteView bytes);
    std::optional<std::uint32_t> break_sector(std::string_view file, std::uint64_t offset);
    /// Armed faults: they strike the next fitting operation on `file` (empty: any file).
    std::uint32_t lie_about_syncs(bool is_lying);
    std::uint32_t fail_next_sync(std::string_view file);
    std::uint32_t lose_next_write(std::string_view file);
    std::uint32_t misdirect_next_write(std::string_view file);
    std::uint32_t serve_stale_read(std::string_view file);
    std::uint32_t shorten_next_read(std::string_view file);
    /// The k-th operation from now (k >= 1) is reported as disk_failed.
    std::uint32_t fail_operation(std::uint64_t k, CallOutcome outcome, Times times);
    /// The next operation takes this much longer.
    std::uint32_t stall(Duration extra);
    std::uint32_t die();
    [[nodiscard]] bool is_dead() const noexcept { return dead_; }
    /// Whatever was armed and did not strike yet never will: calls to fail, syncs, reads and writes, cuts.
    void disarm();
    /// Every operation takes `factor` times as long; 1 is healthy.
    void set_slowness(std::uint32_t factor) { slowness_ = factor; }
    void set_capacity(std::uint64_t bytes) { options_.capacity_bytes = bytes; }
    /// What is durable now; put_back() returns to it. The disk must be off, or nobody may have files open.
    [[nodiscard]] DiskImage image() const;
    std::uint32_t put_back(const DiskImage& image);
    /// A blank disk takes this one's place: all contents, faults and records of faults still armed are gone.
    void replace();

    [[nodiscard]] const std::vector<FaultRecord>& faults() const noexcept { return faults_; }
    void set_fault_end(std::uint32_t id, FaultEnd end);

    // Looking from outside the world: no cost, no faults.
    /// The bytes a read would return now; nullopt when there is no such file.
    [[nodiscard]] std::optional<Bytes> peek(std::string_view file) const;
    [[nodiscard]] std::vector<std::string> peek_names() const;
    [[nodiscard]] std::uint64_t used_bytes() const noexcept { return used_bytes_; }
    /// Sees every byte ever written: file, offset, bytes, in the order written, whatever becomes of them.
    using Tap = std::function<void(std::string_view file, std::uint64_t offset, ByteView bytes)>;
    void set_tap(Tap tap) { tap_ = std::move(tap); }
    /// Called at the beginning of every operation, when nothing of it has been done yet.
    using Watch = std::function<void(DiskOperation operation)>;
    void set_watch(Watch watch) { watch_ = std::move(watch); }

  private:
    friend class SimFile;
    friend class SimClaim;
    enum class NameVerb : std::uint8_t { create, rename, remove };
    struct NameChange {
        NameVerb verb;
        std::string name;
        std::string to;  ///< of a rename
        std::shared_ptr<Inode> inode;
    };
    struct CallFailure {
        std::uint64_t after;
        CallOutcome outcome;
        Times times;
        std::uint32_t fault;
    };
    enum class Turn : std::uint8_t { proceed, fail_done, fail_not_done, cut };
    using Names = std::map<std::string, std::shared_ptr<Inode>, std::less<>>;

    /// Counts, charges, and decides what whole-call faults make of one operation. Errors when it is over
    /// already.
    Result<Turn> begin(DiskOperation operation, std::string_view what, std::uint64_t generation,
                       Duration cost);
    template <class Body>
    auto operate(DiskOperation operation, std::string_view what, std::uint64_t generation, Duration cost,
                 Body&& body) -> decltype(body());
    void cut_power();
    [[nodiscard]] Error off_error(std::string_view what) const;
    [[nodiscard]] Error failed_error(std::string_view what) const;
    [[nodiscard]] Error full_error(std::string_view what) const;
    [[nodiscard]] Inode* find(std::string_view name) const;
    FaultRecord& add_fault(FaultKind kind, std::string_view file);
    FaultRecord& fault(std::uint32_t id) { return faults_.at(id - 1); }
    std::uint32_t arm(FaultKind kind, std::string_view file);
    /// Disarms and returns the first armed fault of this kind that fits the file; nullptr if none.
    FaultRecord* strike(FaultKind kind, const Inode& file);
    void mark(Inode& file, FaultRecord& record);
    void note_gone();
    [[nodiscard]] bool holds(std::uint32_t id) const;
    [[nodiscard]] Duration transfer(std::uint64_t bytes) const;
    [[nodiscard]] std::uint64_t room_bytes() const;
    std::shared_ptr<Inode> create(std::string_view name);
    static void apply_name(Names& names, const NameChange& change);
    void settle_names();
    void unlink(Names::iterator at);
    void restore_names();

    // What SimFile's operations do once the whole-call faults have let them pass.
    Result<std::size_t> read_now(Inode& file, std::uint64_t offset, MutableBytes out);
    Status write_now(Inode& file, std::uint64_t offset, std::span<const ByteView> pieces);
    Status resize_now(Inode& file, std::uint64_t size_bytes);
    void sync_now(Inode& file);
    void fail_sync_now(Inode& file);
    void store_sector(Inode& file, std::uint64_t sector, const Sector& bytes);
    void overwrite(Inode& file, std::uint64_t sector, const Sector& bytes);
    void end_if_harmless(std::uint32_t id, const Inode& file);
    void settle_file(Inode& file);

    std::string label_;
    SimLoop& loop_;
    CostMeter& meter_;
    Random random_;
    SimDiskOptions options_;
    Names names_;
    Names durable_names_;
    std::vector<NameChange> name_changes_;
    std::uint64_t generation_ = 1;
    bool powered_ = true;
    bool dead_ = false;
    bool lying_ = false;
    std::uint32_t slowness_ = 1;
    Duration stall_ = 0s;
    std::uint64_t cut_after_ = 0;
    std::uint64_t operation_count_ = 0;
    std::uint64_t used_bytes_ = 0;
    std::optional<CallFailure> call_failure_;
    std::vector<FaultRecord> faults_;
    std::vector<std::uint32_t> armed_;
    std::string claimed_by_;
    std::uint64_t claim_number_ = 0;
    Tap tap_;
    Watch watch_;
};

}  // namespace firedrill::sim
