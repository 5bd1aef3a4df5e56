// A folder that a newer version of the program worked on: refused as it is, with words for the way out.
#include <gtest/gtest.h>

#include <map>

#include "identity/directory.h"
#include "identity/identity.h"
#include "identity/node_keys.h"
#include "node/node.h"
#include "tests/support/sim_machine.h"

namespace firedrill::node {
namespace {

const crypto::Secret& passphrase() {
    static const crypto::Secret kPassphrase(as_bytes("a passphrase of the node"));
    return kPassphrase;
}

Config offline_config() {
    Config config;
    config.listen = Endpoint{};
    config.cost = crypto::kToyCost;
    return config;
}

Result<std::unique_ptr<Node>> boot(sim::SimMachine& machine) {
    std::optional<Status> ready;
    auto node = TRY(Node::boot(machine.seams(), offline_config(), {}, passphrase(),
                               [&](Status status) { ready = std::move(status); }));
    machine.run_until([&] { return ready.has_value(); });
    TRY(ready.value_or(Status(Error{Fault::internal, "the node never became ready"})));
    return node;
}

/// What a program with `more` migrations after ours does to the directory at its start.
Status start_other_version(sim::SimMachine& machine, int more) {
    const Bytes slots = *machine.data->peek("node.slots");
    const identity::NodeKeys keys = TRY(identity::open_node_keys(slots, passphrase()));
    store::StorageOptions options;
    options.node = keys.node;
    options.signing_seed = &keys.signing_seed;
    const auto storage = TRY(store::Storage::open(machine.seams(), std::move(options)));
    store::KeyRing ring;
    for (const store::EpochKey& epoch : keys.directory) {
        ring.push_back({epoch.epoch, epoch.timeline, epoch.key.copy()});
    }
    const auto ours = identity::directory_migrations();
    std::vector<store::Migration> migrations(ours.begin(), ours.end());
    for (int i = 0; i < more; ++i) {
        migrations.push_back(
            {migrations.back().version + 1, "CREATE TABLE later (id INTEGER PRIMARY KEY) STRICT"});
    }
    std::optional<Status> opened;
    storage->unlock(identity::kDirectory, std::move(ring), migrations, [&](Status status) {
        if (!status) {
            opened = std::move(status);
            return;
        }
        storage->fold([&](Status folded) { opened = std::move(folded); });
    });
    machine.run_until([&] { return opened.has_value(); });
    return opened.value_or(Status(Error{Fault::internal, "no answer"}));
}

std::map<std::string, Bytes> files(const sim::SimDisk& disk) {
    std::map<std::string, Bytes> out;
    for (const std::string& name : disk.peek_names()) {
        out[name] = *disk.peek(name);
    }
    out.erase("log.owner");  // each start leaves its own mark there, one that refuses later, too
    return out;
}

struct NewerVersion : testing::Test {
    sim::SimMachine machine{1};
    void SetUp() override {
        const Status made = create_node(machine.seams(), offline_config(), {}, passphrase());
        ASSERT_TRUE(made.is_ok()) << made.error().text;
        auto node = boot(machine);
        ASSERT_TRUE(node.is_ok()) << node.error().text;
        machine.power_cut();
        node->reset();
        machine.power_on();
    }
    void restart() {
        machine.power_cut();
        machine.power_on();
    }
};

TEST_F(NewerVersion, OfTheDirectoryIsRefusedAndNothingIsChanged) {
    const Status upgraded = start_other_version(machine, 1);
    ASSERT_TRUE(upgraded.is_ok()) << upgraded.error().text;
    restart();
    // Whoever reads the log to its end closes what was left open; that is the same for every version.
    (void)boot(machine).is_ok();
    restart();
    const auto data = files(*machine.data);
    const auto log = files(*machine.logs[0]);

    const auto refused = boot(machine);

    ASSERT_FALSE(refused.is_ok());
    EXPECT_EQ(refused.error().fault, Fault::newer_format) << refused.error().text;
    EXPECT_NE(refused.error().text.find("upgrade the program"), std::string::npos) << refused.error().text;
    EXPECT_EQ(files(*machine.data), data);
    EXPECT_EQ(files(*machine.logs[0]), log);
    restart();
    EXPECT_TRUE(start_other_version(machine, 1).is_ok());  // the newer program goes on
}

TEST_F(NewerVersion, TheSameDirectoryWithoutALaterMigrationIsNotRefused) {
    ASSERT_TRUE(start_other_version(machine, 0).is_ok());
    restart();
    const auto node = boot(machine);
    EXPECT_TRUE(node.is_ok()) << node.error().text;
}

}  // namespace
}  // namespace firedrill::node
