// Goal: whoever has all that an operator has, the machine's files, the node's passphrase and every verb,
// reads no answer of a patient. Method: a submission waits in the inbox and another was read by staff; then
// every verb runs over the folder, the directory is opened with the passphrase and all of its rows are read;
// all of it is searched. Control: the practice's own password does find the answers in the same bytes.
#include <sstream>

#include "identity/directory.h"
#include "identity/node_keys.h"
#include "sim/process.h"
#include "store/data_folder.h"
#include "tests/live/live_node.h"
#include "tests/live/process_memory.h"

namespace firedrill::test {
namespace {

bool contains(ByteView bytes, const Needle& needle) {
    return std::any_of(needle.spellings.begin(), needle.spellings.end(), [&](const Bytes& one) {
        return std::search(bytes.begin(), bytes.end(), one.begin(), one.end()) != bytes.end();
    });
}

class OperatorReads : public LiveNode {
  protected:
    /// What a verb prints, to both ends.
    std::string run(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), FIREDRILL_PROGRAM);
        const std::string errors = server_->folder() + "/verb.errors";
        auto child = sim::ChildProcess::start(arguments, errors);
        EXPECT_TRUE(child);
        std::string out;
        while (child->read_more(out, 50ms)) {
        }
        const int code = child->wait();
        EXPECT_EQ(code, 0) << arguments[1] << ' ' << arguments[2] << ": " << read_all(errors);
        return out + read_all(errors);
    }
    static std::string read_all(const std::string& path) {
        std::ifstream file(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    }
    std::vector<std::string> over_folder(std::vector<std::string> verb) {
        for (const std::string& more :
             {std::string("--data"), server_->folder() + "/node", std::string("--passphrase-file"),
              server_->folder() + "/passphrase"}) {
            verb.push_back(more);
        }
        return verb;
    }
    std::string run_every_verb() {
        const std::string node = server_->folder() + "/node";
        std::string out;
        for (const std::vector<std::string>& verb :
             std::vector<std::vector<std::string>>{{"status", "--json"},
                                                   {"practice", "list", "--json"},
                                                   {"practice", "show", "demo", "--json"},
                                                   {"staff", "list", "demo", "--json"},
                                                   {"secrets", "rotate", "directory", "--json"},
                                                   {"secrets", "rotate", "signing", "--json"},
                                                   {"secrets", "rotate", "authority", "--json"},
                                                   {"secrets", "list", "--json"}}) {
            out += run(over_folder(verb));
        }
        out += run({"store", "inspect", node, "--json"});
        out += run({"store", "verify", node, "--json"});
        out += run({"store", "scrub", node, "--json"});
        out += run({"restore", "--from", node + "/log", "--to", server_->folder() + "/restored", "--json"});
        return out;
    }
    std::string all_files() const {
        std::string out;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(server_->folder())) {
            if (entry.is_regular_file()) {
                out += read_all(entry.path().string());
            }
        }
        return out;
    }

    /// Every value of every row of the directory, opened with the node's passphrase.
    std::string read_directory() {
        const std::string copy = copy_folder("opened");
        auto world = cli::RealWorld::open({copy, {copy + "/log"}, "", ""}, cli::MakeFolders::no).value();
        const Bytes document = store::read_node_slots(world->seams().data).value();
        identity::NodeKeys keys = identity::open_node_keys(document, passphrase()).value();
        store::StorageOptions options;
        options.signing_seed = &keys.signing_seed;
        options.former_seeds = &keys.former_signing;
        auto storage = store::Storage::open(world->seams(), std::move(options)).value();
        std::string values;
        Status outcome = Error{Fault::internal, "never answered"};
        const auto end = [&](Status status) {
            outcome = std::move(status);
            world->stop();
        };
        storage->unlock(identity::kDirectory, std::move(keys.directory), identity::directory_migrations(),
                        [&](const Status& unlocked) {
                            EXPECT_TRUE(unlocked);
                            storage->transact(
                                identity::kDirectory, store::Access::read,
                                [&values](store::Database& database) { return read_rows(database, values); },
                                end);
                        });
        world->run();
        EXPECT_TRUE(outcome) << outcome.error().text;
        return values;
    }
    static Status read_rows(store::Database& database, std::string& values) {
        std::vector<std::string> selects;
        store::Statement tables = TRY(database.prepare(
            "SELECT 'SELECT ' || (SELECT group_concat('quote(\"' || c.name || '\")', '||') "
            "FROM pragma_table_info(m.name) c) || ' FROM \"' || m.name || '\"' FROM sqlite_master m "
            "WHERE m.type = 'table'"));
        while (TRY(tables.step())) {
            selects.push_back(tables.text(0));
        }
        for (const std::string& select : selects) {
            store::Statement rows = TRY(database.prepare(select.c_str()));
            while (TRY(rows.step())) {
                values += rows.text(0) + "\n";
            }
        }
        return {};
    }
};

TEST_F(OperatorReads, NoAnswerWithEveryVerbEveryFileAndThePassphrase) {
    const std::string read = submit_a_canary();
    sim::Browser staff(loop_, loop_, client_options());
    const sim::WebPage list = sign_in(staff);
    read_newest(staff, list, read);  // the control: the practice's password opens it
    sign_out(staff, list);
    const std::string waiting = submit_a_canary();
    server_->stop();

    const std::string said = run_every_verb();
    const std::string rows = read_directory();
    const std::string files = all_files();
    EXPECT_NE(rows.find("demo"), std::string::npos) << "the directory was not read";
    EXPECT_NE(said.find("owner"), std::string::npos) << "the verbs said nothing";
    EXPECT_GT(files.size(), std::size_t{1} << 17);
    for (const std::string& canary : {read, waiting}) {
        const Needle needle = needle_of_text("answer", canary);
        EXPECT_FALSE(contains(as_bytes(said), needle)) << "a verb printed an answer";
        EXPECT_FALSE(contains(as_bytes(rows), needle)) << "the directory holds an answer";
        EXPECT_FALSE(contains(as_bytes(files), needle)) << "a file holds an answer";
    }
    const Needle password = needle_of_text("password", server_->facts().password);
    EXPECT_FALSE(contains(as_bytes(files), password)) << "a file holds a password";
    EXPECT_TRUE(contains(as_bytes("…" + read + "…"), needle_of_text("answer", read)));
}

}  // namespace
}  // namespace firedrill::test
