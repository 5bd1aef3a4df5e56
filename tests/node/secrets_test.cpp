// The operator's secrets on a whole node over simulated seams: ages, replacements, and power cuts during
// them.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <map>

#include "crypto/tls.h"
#include "node/node.h"
#include "tests/support/sim_machine.h"

namespace firedrill::node {
namespace {

namespace json = boost::json;

constexpr std::string_view kOld = "a passphrase of the node";
constexpr std::string_view kNew = "the passphrase after that";
constexpr const char* kCreate =
    R"({"verb":"practice.create","name":"harbor","title":"Harbor PT","login":"owner","password":"sunlit-otter-42-basket"})";

crypto::Secret secret(std::string_view text) {
    return crypto::Secret(as_bytes(text));
}

/// A machine with a node on it, and everything that the node journals.
class NodeWorld {
  public:
    explicit NodeWorld(std::uint64_t seed, std::size_t log_disks = 1) : machine(seed, log_disks) {}
    ~NodeWorld() { node.reset(); }

    Config config() {
        Config out;
        out.listen = listen;
        out.serves_tls = serves_tls;
        out.cost = crypto::kToyCost;
        out.secret_limits = limits;
        out.journal = [this](std::string_view line) { journal.emplace_back(line); };
        out.on_fatal = [](const Error&) {};
        return out;
    }
    Status create() { return create_node(machine.seams(), config(), {}, secret(kOld)); }
    Status boot(std::string_view passphrase) {
        std::optional<Status> ready;
        node = TRY(Node::boot(machine.seams(), config(), {}, secret(passphrase),
                              [&](Status status) { ready = std::move(status); }));
        machine.run_until([&] { return ready.has_value(); });
        return ready ? *ready : Status(Error{Fault::powered_off, "power went first"});
    }
    void reboot_machine() {
        machine.power_cut();
        node.reset();
        machine.power_on();
    }
    Result<std::string> call(const json::object& request) {
        auto answer = std::make_shared<std::optional<Result<std::string>>>();
        node->command(json::serialize(request),
                      [answer](Result<std::string> got) { *answer = std::move(got); });
        const Instant limit = machine.loop().now() + 1h;
        machine.run_until([&] { return answer->has_value() || machine.loop().now() > limit; });
        return answer->has_value() ? **answer : Result<std::string>(Error{Fault::powered_off, "no answer"});
    }
    Result<std::string> rotate(std::string_view what) {
        return call({{"verb", "secrets.rotate"}, {"secret", what}});
    }
    Result<std::string> change_passphrase(std::string_view current, std::string_view next) {
        return call({{"verb", "secrets.rotate"},
                     {"secret", "passphrase"},
                     {"current", to_hex(as_bytes(current))},
                     {"next", to_hex(as_bytes(next))}});
    }
    bool is_overdue(std::string_view what) {
        const json::value ages = json::parse(call({{"verb", "secrets.list"}}).value());
        for (const json::value& each : ages.as_array()) {
            if (each.at("secret").as_string() == what) {
                return each.at("is_overdue").as_bool();
            }
        }
        ADD_FAILURE() << what << " is not listed";
        return false;
    }
    void pass(Duration time) {
        const Instant end = machine.loop().now() + time;
        machine.run_until([&] { return machine.loop().now() >= end; });
    }
    bool journalled(std::string_view words) const {
        return std::any_of(journal.begin(), journal.end(),
                           [&](const std::string& line) { return line.find(words) != std::string::npos; });
    }
    bool has_practice() { return call({{"verb", "practice.show"}, {"name", "harbor"}}).is_ok(); }

    sim::SimMachine machine;
    SecretLimits limits;
    Endpoint listen;
    bool serves_tls = false;
    std::vector<std::string> journal;
    std::unique_ptr<Node> node;
};

std::map<std::string, std::optional<Bytes>> bytes_of(sim::SimMachine& machine) {
    std::map<std::string, std::optional<Bytes>> out;
    for (sim::SimDisk* disk : {machine.data.get(), machine.logs[0].get()}) {
        for (const std::string& name : disk->peek_names()) {
            out[disk->label() + "/" + name] = disk->peek(name);
        }
    }
    return out;
}

TEST(NodeSecrets, AreListedWithTheirAgeAndTurnOverdue) {
    NodeWorld world(1);
    ASSERT_TRUE(world.create());
    ASSERT_TRUE(world.boot(kOld));
    for (const SecretKind kind : kSecretKinds) {
        EXPECT_FALSE(world.is_overdue(secret_name(kind))) << secret_name(kind);
    }
    world.reboot_machine();
    world.limits.passphrase = 24h;
    world.limits.signing = 48h;
    ASSERT_TRUE(world.boot(kOld));
    world.pass(25h);
    EXPECT_TRUE(world.is_overdue("passphrase"));
    EXPECT_FALSE(world.is_overdue("signing"));
    const std::string status = world.call({{"verb", "status"}}).value();
    EXPECT_NE(status.find(R"("secret":"passphrase")"), std::string::npos) << status;
    EXPECT_NE(status.find(R"("is_overdue":true)"), std::string::npos) << status;
}

TEST(NodeSecrets, OverdueOnesAreJournalledAtTheStartAndDaily) {
    NodeWorld world(2);
    world.listen = Endpoint{"10.0.0.1:443"};
    world.limits.directory = 36h;
    ASSERT_TRUE(world.create());
    ASSERT_TRUE(world.boot(kOld));
    EXPECT_FALSE(world.journalled("overdue"));
    world.pass(25h);
    EXPECT_FALSE(world.journalled("overdue"));
    world.pass(24h);
    EXPECT_TRUE(world.journalled("overdue: the node's directory was due on"));
    EXPECT_FALSE(world.journalled("overdue: the node's passphrase"));
    world.reboot_machine();
    world.journal.clear();
    ASSERT_TRUE(world.boot(kOld));
    EXPECT_TRUE(world.journalled("overdue: the node's directory was due on"));
    ASSERT_TRUE(world.rotate("directory"));
    EXPECT_FALSE(world.is_overdue("directory"));
}

TEST(NodeSecrets, EveryReplacementKeepsThePracticesThroughAReboot) {
    for (const char* what : {"directory", "signing", "certificate", "authority"}) {
        NodeWorld world(3, 2);
        ASSERT_TRUE(world.create());
        ASSERT_TRUE(world.boot(kOld));
        ASSERT_TRUE(world.call(json::parse(kCreate).as_object()));
        world.pass(2h);
        const Result<std::string> done = world.rotate(what);
        ASSERT_TRUE(done) << what << ": " << done.error().text;
        EXPECT_TRUE(world.has_practice()) << what;
        for (int boot = 0; boot < 3; ++boot) {  // the third writes and closes segments with the new key
            world.reboot_machine();
            ASSERT_TRUE(world.boot(kOld)) << what;
            EXPECT_TRUE(world.has_practice()) << what;
            world.pass(3h);
        }
        const std::string status = world.call({{"verb", "status"}}).value();
        EXPECT_NE(status.find(R"("is_sound":true)"), std::string::npos) << what << status;
    }
}

TEST(NodeSecrets, ACertificateIsOfTheSameAuthorityAndAnAuthorityIsNew) {
    NodeWorld world(4);
    ASSERT_TRUE(world.create());
    ASSERT_TRUE(world.boot(kOld));
    const std::string authority = world.node->authority_pem();
    ASSERT_TRUE(world.rotate("certificate"));
    EXPECT_EQ(world.node->authority_pem(), authority);
    const json::value done = json::parse(world.rotate("authority").value());
    EXPECT_NE(world.node->authority_pem(), authority);
    EXPECT_EQ(done.at("authority_pem").as_string(), world.node->authority_pem());
}

TEST(NodeSecrets, TheCertificateRenewsItselfBeforeItEnds) {
    NodeWorld world(5);
    world.listen = Endpoint{"10.0.0.1:443"};
    world.serves_tls = true;
    world.limits.certificate = 240h;
    world.limits.certificate_notice = 72h;
    ASSERT_TRUE(world.create());
    ASSERT_TRUE(world.boot(kOld));
    world.pass(120h);
    EXPECT_FALSE(world.journalled("certificate was replaced"));
    world.pass(72h);
    EXPECT_TRUE(world.journalled("the node's certificate was replaced"));
    EXPECT_FALSE(world.is_overdue("certificate"));
    EXPECT_FALSE(world.journalled("overdue: the node's certificate"));
}

TEST(NodeSecrets, ACertificateThatAClockMadeForTheFutureIsRenewedOnceTheClockIsRight) {
    NodeWorld world(50);
    world.listen = Endpoint{"10.0.0.1:443"};
    world.serves_tls = true;
    ASSERT_TRUE(world.create());
    ASSERT_TRUE(world.boot(kOld));
    world.machine.step_wall(400 * 24h);
    world.pass(25h);
    ASSERT_TRUE(world.journalled("the node's certificate was replaced"));
    world.journal.clear();
    world.machine.step_wall(-400 * 24h);

    world.pass(25h);

    EXPECT_TRUE(world.journalled("the node's certificate was replaced"));
    EXPECT_FALSE(world.is_overdue("certificate"));
}

TEST(NodeSecrets, ANewPassphraseOpensAndTheOldOneNoLongerDoes) {
    NodeWorld world(6, 2);
    ASSERT_TRUE(world.create());
    ASSERT_TRUE(world.boot(kOld));
    ASSERT_TRUE(world.call(json::parse(kCreate).as_object()));
    const Result<std::string> changed = world.change_passphrase(kOld, kNew);
    ASSERT_TRUE(changed) << changed.error().text;
    world.reboot_machine();
    const auto before = bytes_of(world.machine);
    const Status refused = world.boot(kOld);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, Fault::wrong_secret);
    EXPECT_EQ(bytes_of(world.machine), before) << "a wrong passphrase changed a disk";
    ASSERT_TRUE(world.boot(kNew));
    EXPECT_TRUE(world.has_practice());
}

TEST(NodeSecrets, ANewPassphraseOpensFromTheOpenSegmentAloneWhenTheFoldersSlotsAreLost) {
    NodeWorld world(31, 1);
    ASSERT_TRUE(world.create());
    ASSERT_TRUE(world.boot(kOld));
    ASSERT_TRUE(world.call(json::parse(kCreate).as_object()));
    ASSERT_TRUE(world.change_passphrase(kOld, kNew));
    world.reboot_machine();
    ASSERT_TRUE(world.machine.data->remove("node.slots"));

    const Status refused = world.boot(kOld);

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, Fault::wrong_secret) << refused.error().text;
    const Status opened = world.boot(kNew);
    ASSERT_TRUE(opened) << opened.error().text;
    EXPECT_TRUE(world.has_practice());
}

TEST(NodeSecrets, AWrongPresentPassphraseChangesNothingAndIsAnsweredLaterEachTime) {
    NodeWorld world(7);
    ASSERT_TRUE(world.create());
    ASSERT_TRUE(world.boot(kOld));
    const auto before = bytes_of(world.machine);
    Duration last = Duration::zero();
    for (int i = 0; i < 4; ++i) {
        const Instant asked = world.machine.loop().now();
        const Result<std::string> refused = world.change_passphrase("not the passphrase at all", kNew);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().fault, Fault::wrong_secret);
        EXPECT_EQ(refused.error().text.find("not the passphrase at all"), std::string::npos);
        const Duration took = world.machine.loop().now() - asked;
        EXPECT_GT(took, last + 500ms);
        last = took;
    }
    EXPECT_EQ(bytes_of(world.machine), before);
    EXPECT_EQ(world.change_passphrase(kOld, "short").error().fault, Fault::bad_usage);
    EXPECT_TRUE(world.change_passphrase(kOld, kNew));
}

TEST(NodeSecrets, RequestsThatMakeNoSenseAreBadUsage) {
    NodeWorld world(8);
    ASSERT_TRUE(world.create());
    ASSERT_TRUE(world.boot(kOld));
    for (const json::object& request :
         {json::object{{"verb", "secrets.rotate"}},
          json::object{{"verb", "secrets.rotate"}, {"secret", "dns"}},
          json::object{{"verb", "secrets.rotate"}, {"secret", "signing"}, {"next", "00"}},
          json::object{{"verb", "secrets.rotate"}, {"secret", "passphrase"}},
          json::object{
              {"verb", "secrets.rotate"}, {"secret", "passphrase"}, {"current", "zz"}, {"next", "00"}},
          json::object{{"verb", "secrets.list"}, {"x", "y"}}}) {
        const Result<std::string> answer = world.call(request);
        ASSERT_FALSE(answer) << json::serialize(request);
        EXPECT_EQ(answer.error().fault, Fault::bad_usage) << json::serialize(request);
    }
}

/// Power goes at the `cut`-th operation of a disk during a replacement; afterwards one passphrase opens the
/// node, with everything in it. False when the replacement ended before the cut.
bool survives_cut(std::string_view what, bool is_data_disk, std::uint64_t cut, int& opened_with_old) {
    NodeWorld world(9);
    EXPECT_TRUE(world.create());
    EXPECT_TRUE(world.boot(kOld));
    EXPECT_TRUE(world.call(json::parse(kCreate).as_object()));
    sim::SimDisk& disk = is_data_disk ? *world.machine.data : *world.machine.logs[0];
    disk.cut_power_after(cut);
    const Result<std::string> done =
        what == "passphrase" ? world.change_passphrase(kOld, kNew) : world.rotate(what);
    const bool is_told = done.is_ok();
    world.reboot_machine();
    disk.cut_power_after(0);
    const Status with_old = world.boot(kOld);
    if (with_old) {
        ++opened_with_old;
        EXPECT_TRUE(world.has_practice());
        EXPECT_FALSE(is_told && what == "passphrase") << "told, and the old one still opens; cut " << cut;
    } else if (what != "passphrase") {
        ADD_FAILURE() << what << ", cut " << cut << ": " << with_old.error().text;
    }
    world.reboot_machine();
    if (what == "passphrase") {
        const Status with_new = world.boot(kNew);
        EXPECT_NE(with_old.is_ok(), with_new.is_ok()) << "cut " << cut;
        EXPECT_TRUE(!with_new || world.has_practice());
        EXPECT_TRUE(with_new || !is_told);
    }
    return !is_told;
}

TEST(NodeSecrets, PowerCutAtAnyDiskOperationOfAChangeLeavesOnePassphraseThatOpens) {
    for (const char* what : {"passphrase", "directory", "signing", "certificate"}) {
        for (const bool is_data_disk : {true, false}) {
            int opened_with_old = 0;
            std::uint64_t cut = 1;
            while (survives_cut(what, is_data_disk, cut, opened_with_old)) {
                ++cut;
                ASSERT_LT(cut, 200U);
            }
            EXPECT_GT(cut, 2U) << what << ": no operation of the disk was cut";
            // The data folder takes a new passphrase before the log does.
            EXPECT_TRUE(opened_with_old > 0 || (!is_data_disk && what == std::string_view("passphrase")));
        }
    }
}

}  // namespace
}  // namespace firedrill::node
