// Somebody leaves with everything they ever had: byte copies of all disks from before and after, their
// password, their cookie, an invitation, the recovery kit and the escrow shares of then, and the operator's
// keys as well. Everything that was written before opens; nothing that is written after does.
//
// Method: every key that these secrets give is tried on every byte offset of every file that could begin a
// sealed page, and on every item of the inbox. The practice's present keys are the control: they find what
// was written after.
#include <gtest/gtest.h>

#include "crypto/keypair.h"
#include "identity/codes.h"
#include "identity/directory.h"
#include "identity/escrow.h"
#include "tests/support/safekeeping_world.h"

namespace firedrill::identity {
namespace {

using test::SafekeepingWorld;
using test::secret;

constexpr std::string_view kBefore = "canary-of-before-2f77a1";
constexpr std::string_view kAfter = "canary-of-after-9c01d4";
constexpr std::string_view kLeaverPassword = "gravel-lantern-mosaic-8";

/// All files of all disks, one after another with a gap between.
using Copies = std::vector<Bytes>;

/// What a practice key opens: page keys and inbox identities.
struct Keys {
    store::KeyRing ring;
    std::vector<crypto::Secret> inbox;
};

bool holds(ByteView bytes, std::string_view text) {
    return as_text(bytes).find(text) != std::string_view::npos;
}

class LeaverWorld : public SafekeepingWorld {
  public:
    explicit LeaverWorld(std::uint64_t seed) : SafekeepingWorld(seed) {}

    void submit_canary(std::string_view canary) {
        SubmissionId id;
        id.bytes[0] = ++submitted_;
        ASSERT_TRUE(submit(id, "{\"answer\":\"" + std::string(canary) + "\"}").is_ok());
    }
    Copies copy_disks() {
        Copies out;
        for (sim::SimDisk* disk : {data.get(), log.get()}) {
            const auto names = disk->list();
            for (const std::string& name : names ? *names : std::vector<std::string>()) {
                auto bytes = read_file(*disk, name, 1U << 30U);
                EXPECT_TRUE(bytes.is_ok()) << name;
                out.push_back(bytes ? std::move(bytes).value() : Bytes());
            }
        }
        return out;
    }
    template <class Look>
    void look_into_directory(Look look) {
        const Status looked = wait<void>([&](auto then) {
            storage->transact(
                kDirectory, store::Access::read,
                [&](store::Database& database) -> Status { return look(database); }, then);
        });
        ASSERT_TRUE(looked.is_ok()) << looked.error().text;
    }
    /// What a practice key opens in the directory as it is now.
    Keys keys_of(const crypto::Secret& practice_key) {
        Keys out;
        look_into_directory([&](store::Database& database) -> Status {
            const Roster roster = TRY(load_roster(database, practice_id())).value();
            for (const EpochRow& row : roster.epochs) {
                auto key = open_epoch(practice_id(), row, practice_key);
                if (key) {
                    out.ring.push_back(std::move(key).value());
                }
            }
            for (const InboxRow& row : roster.inbox) {
                auto opened = open_inbox_row(practice_id(), row, practice_key);
                if (opened) {
                    out.inbox.push_back(std::move(opened).value());
                }
            }
            return {};
        });
        return out;
    }
    std::vector<Bytes> inbox_items() {
        std::vector<Bytes> out;
        look_into_directory([&](store::Database& database) -> Status {
            auto query = TRY(database.prepare("SELECT sealed FROM inbox"));
            while (TRY(query.step())) {
                out.push_back(query.blob(0));
            }
            return {};
        });
        return out;
    }
    /// Whether these keys find `canary` in any page that begins at any offset of any file.
    bool find_in_pages(const Keys& held, const Copies& copies, std::string_view canary) {
        const auto cipher = store::make_page_cipher(practice_id(), test::copy_ring(held.ring));
        constexpr store::PageNumber kMostPages = 64;
        Bytes plain(store::kPageSize);
        for (const Bytes& file : copies) {
            for (std::size_t at = 0; at + store::kPageSize <= file.size(); ++at) {
                const ByteView trailer = ByteView(file).subspan(at + store::kPlainSize, store::kReservedSize);
                // A page that opens states a known epoch and a commit sequence, and has a spare of zeroes.
                const std::uint32_t epoch = load_u32(trailer.data() + 2);
                const std::uint64_t sequence = load_u64(trailer.data() + 6);
                if (epoch == 0 || epoch > 8 || sequence == 0 || sequence > 10'000) {
                    continue;
                }
                store::SealedPage page;
                std::copy_n(file.begin() + static_cast<std::ptrdiff_t>(at), page.size(), page.begin());
                for (store::PageNumber number = 1; number <= kMostPages; ++number) {
                    if (cipher->open(number, page, plain) && holds(plain, canary)) {
                        return true;
                    }
                }
            }
        }
        return false;
    }
    static bool find_in_inbox(const Keys& held, const std::vector<Bytes>& items, std::string_view canary) {
        for (const crypto::Secret& one : held.inbox) {
            const auto whole = crypto::age_identity_from(one);
            for (const Bytes& item : items) {
                const auto opened = crypto::age_open(*whole, item);
                if (opened && holds(opened->view(), canary)) {
                    return true;
                }
            }
        }
        return false;
    }

  private:
    Byte submitted_ = 0;
};

/// The practice key by every secret that they take with them, out of the directory of then; first by
/// password.
std::vector<crypto::Secret> take_keys(LeaverWorld& world, const NewEscrow& escrow, const Invitation& spare,
                                      PersonId& leaver) {
    Credentials as_bob;
    Credentials as_kit;
    Credentials as_escrow;
    std::optional<InvitationRow> as_invited;
    world.look_into_directory([&](store::Database& database) -> Status {
        as_bob = TRY(load_credentials(database, "harbor", "bob")).value();
        as_kit = TRY(load_key_pair(database, "harbor", PersonState::recovery)).value();
        as_escrow = TRY(load_key_pair(database, "harbor", PersonState::escrow)).value();
        as_invited = TRY(
            load_invitation(database, invitation_id(read_code(CodeKind::invitation, spare.code).value())));
        return {};
    });
    std::vector<crypto::Secret> shares;
    for (const ShareLines& lines : escrow.shares) {
        shares.push_back(std::move(read_share(SafekeepingWorld::typed(lines)).value()));
    }
    std::vector<crypto::Secret> taken;
    taken.push_back(open_credentials(as_bob, secret(kLeaverPassword)).value());
    taken.push_back(
        open_recovery(as_kit, read_code(CodeKind::recovery, world.recovery_code).value()).value());
    taken.push_back(open_escrow(as_escrow, shares).value());
    taken.push_back(
        open_invitation(*as_invited, read_code(CodeKind::invitation, spare.code).value()).value());
    leaver = as_bob.person.id;
    return taken;
}

TEST(Leaver, EverythingTheyHadOpensWhatWasBeforeAndNothingAfter) {
    LeaverWorld world(7);
    const auto owner = world.sign_in();
    ASSERT_TRUE(owner.is_ok());
    const auto invitation = world.invite(*owner, "bob", Role::owner);
    ASSERT_TRUE(world.join(invitation->code, kLeaverPassword).is_ok());
    const auto spare = world.invite(*owner, "eve", Role::clinician);
    ASSERT_TRUE(spare.is_ok());
    const auto escrow = world.make_escrow(*owner, 2, {"bob", "bob's friend"});
    ASSERT_TRUE(escrow.is_ok());
    const auto bob = world.sign_in(kLeaverPassword, "bob");
    ASSERT_TRUE(bob.is_ok());
    world.submit_canary(kBefore);
    ASSERT_TRUE(world.sign_out(owner->token).is_ok());
    ASSERT_TRUE(world.sign_out(bob->token).is_ok());
    const auto cookie = world.sign_in(kLeaverPassword, "bob");  // drains what came
    ASSERT_TRUE(cookie.is_ok());

    PersonId leaver;
    const std::vector<crypto::Secret> taken = take_keys(world, *escrow, *spare, leaver);
    const Keys old_keys = world.keys_of(taken[0]);
    ASSERT_FALSE(old_keys.ring.empty());
    const Copies before = world.copy_disks();
    ASSERT_TRUE(world.find_in_pages(old_keys, before, kBefore)) << "everything written before opens";

    // They leave; the kit that they had seen and the escrow are replaced.
    const auto again = world.sign_in();
    ASSERT_TRUE(again.is_ok());
    ASSERT_TRUE(world
                    .wait<void>([&](auto then) {
                        world.identity->people().disable(
                            SafekeepingWorld::confirm(*again, SafekeepingWorld::kPassword), leaver, then);
                    })
                    .is_ok());
    ASSERT_TRUE(world.end_escrow(*again).is_ok());
    ASSERT_TRUE(world.replace_kit(*again).is_ok());
    world.submit_canary(kAfter);
    ASSERT_TRUE(world.sign_out(again->token).is_ok());
    const std::vector<Bytes> waiting = world.inbox_items();
    const auto reader = world.sign_in();  // drains it into the store
    ASSERT_TRUE(reader.is_ok());
    ASSERT_EQ(world.list(world.practice_id())->size(), 2u);
    const Keys new_keys = world.keys_of(*world.custody->find(world.practice_id()));
    const Copies after = world.copy_disks();

    EXPECT_TRUE(world.find_in_pages(new_keys, after, kAfter)) << "the control: the search finds it";
    EXPECT_TRUE(LeaverWorld::find_in_inbox(new_keys, waiting, kAfter)) << "the control: the search finds it";
    EXPECT_FALSE(world.find_in_pages(old_keys, after, kAfter));
    EXPECT_FALSE(LeaverWorld::find_in_inbox(old_keys, waiting, kAfter));
    EXPECT_EQ(world.identity->find_session(cookie->token), nullptr);
    for (const crypto::Secret& key : taken) {
        const Keys found = world.keys_of(key);
        EXPECT_TRUE(found.ring.empty() && found.inbox.empty())
            << "old keys open no wrap of today's directory";
    }
    EXPECT_FALSE(world.sign_in(kLeaverPassword, "bob").is_ok());
    EXPECT_FALSE(world.join(spare->code, kLeaverPassword).is_ok());
    EXPECT_FALSE(world.recover(world.recovery_code).is_ok());
    EXPECT_FALSE(world
                     .recover_by_shares({SafekeepingWorld::typed(escrow->shares[0]),
                                         SafekeepingWorld::typed(escrow->shares[1])})
                     .is_ok());
}

}  // namespace
}  // namespace firedrill::identity
