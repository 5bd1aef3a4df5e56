// Where a node's passphrase may come from, and what is refused.
#include "cli/place.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace firedrill::cli {
namespace {

namespace fs = std::filesystem;

class PassphraseSource : public testing::Test {
  protected:
    void SetUp() override {
        std::string name = (fs::temp_directory_path() / "firedrill-place-XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        root_ = name;
        place_.data = root_ + "/node";
        place_.logs = {root_ + "/log"};
        fs::create_directories(place_.data + "/data");
        fs::create_directories(root_ + "/log");
        ::unsetenv("CREDENTIALS_DIRECTORY");
    }
    void TearDown() override {
        ::unsetenv("CREDENTIALS_DIRECTORY");
        fs::remove_all(root_);
    }
    std::string file(const std::string& name, const std::string& contents, unsigned mode = 0600) {
        const std::string path = root_ + "/" + name;
        std::ofstream(path, std::ios::binary) << contents;
        fs::permissions(path, static_cast<fs::perms>(mode));
        return path;
    }
    Result<std::string> obtain() {
        const Passphrase got = TRY(obtain_passphrase(place_, false, false));
        return std::string(as_text(got.secret.view()));
    }

    std::string root_;
    Place place_;
};

TEST_F(PassphraseSource, AKeyFileIsTakenByteForByte) {
    const std::string key = std::string(31, '\xff') + "\n";
    place_.key_file = file("key", key);
    EXPECT_EQ(obtain().value(), key);
}

TEST_F(PassphraseSource, AKeyFileOfTheWrongSizeIsRefused) {
    place_.key_file = file("key", std::string(31, 'k'));
    EXPECT_EQ(obtain().error().fault, Fault::bad_input);
    place_.key_file = file("key", std::string(1025, 'k'));
    EXPECT_EQ(obtain().error().fault, Fault::limit);
    place_.key_file = root_ + "/nowhere";
    EXPECT_EQ(obtain().error().fault, Fault::not_found);
    place_.key_file = root_ + "/log";
    EXPECT_FALSE(obtain().is_ok());
}

TEST_F(PassphraseSource, AFileThatOthersMayReadIsRefused) {
    for (const unsigned mode : {0640U, 0604U, 0620U, 0601U}) {
        place_.key_file = file("key", std::string(64, 'k'), mode);
        EXPECT_EQ(obtain().error().fault, Fault::permission) << mode;
    }
    place_.key_file.clear();
    place_.passphrase_file = file("words", "some words to use\n", 0644);
    EXPECT_EQ(obtain().error().fault, Fault::permission);
}

TEST_F(PassphraseSource, AFileBesideTheDataIsRefused) {
    for (const char* beside : {"node/key", "node/data/key", "log/key"}) {
        place_.key_file = file(beside, std::string(64, 'k'));
        EXPECT_EQ(obtain().error().fault, Fault::refused) << beside;
        EXPECT_EQ(obtain_new_passphrase(place_, "", place_.key_file).error().fault, Fault::refused) << beside;
        EXPECT_EQ(obtain_new_passphrase(place_, place_.key_file, "").error().fault, Fault::refused) << beside;
    }
    fs::create_symlink(root_ + "/log/key", root_ + "/link");
    place_.key_file = root_ + "/link";
    EXPECT_EQ(obtain().error().fault, Fault::refused) << "a symbolic link into the log folder";
}

TEST_F(PassphraseSource, ACredentialOfTheServiceManagerIsTakenUnlessAFileIsNamed) {
    fs::create_directories(root_ + "/credentials");
    file("credentials/firedrill.passphrase", "words of the credential\n", 0440);
    ::setenv("CREDENTIALS_DIRECTORY", (root_ + "/credentials").c_str(), 1);
    EXPECT_EQ(obtain().value(), "words of the credential");
    place_.passphrase_file = file("words", "words of the file\n");
    EXPECT_EQ(obtain().value(), "words of the file");
    place_.passphrase_file.clear();
    file("credentials/firedrill.passphrase", "words of the credential\n", 0444);
    EXPECT_EQ(obtain().error().fault, Fault::permission);
}

TEST_F(PassphraseSource, TwoSourcesAtOnceAreBadUsage) {
    CommonOptions options;
    options.place = place_;
    options.place.passphrase_file = file("words", "some words to use\n");
    options.place.key_file = file("key", std::string(64, 'k'));
    EXPECT_EQ(settle(options).error().fault, Fault::bad_usage);
    EXPECT_EQ(
        obtain_new_passphrase(place_, options.place.passphrase_file, options.place.key_file).error().fault,
        Fault::bad_usage);
}

TEST_F(PassphraseSource, AFolderThatIsNotThereYetIsNamedWhole) {
    const fs::path before = fs::current_path();
    fs::current_path(root_);
    CommonOptions options;
    options.place.data = "not yet/./here";
    options.place.logs = {"later"};
    const auto settled = settle(options);
    fs::current_path(before);
    ASSERT_TRUE(settled);
    const std::string root = fs::canonical(root_).string();
    EXPECT_EQ(settled->place.data, root + "/not yet/here");
    EXPECT_EQ(settled->place.logs, std::vector<std::string>{root + "/later"});
}

TEST_F(PassphraseSource, ACommandIsOneThatAShellTakes) {
    Settled settled;
    settled.place = {"/a node", {"/a node/log"}, "/it's", ""};
    EXPECT_EQ(command_line("serve", settled),
              R"(firedrill serve --data '/a node' --passphrase-file '/it'\''s')");
    settled.place.logs = {"/one", "/$two"};
    settled.hosts = {"clinic.test"};
    EXPECT_EQ(command_line("init", settled),
              R"(firedrill init --data '/a node' --log /one --log '/$two' --passphrase-file '/it'\''s' )"
              R"(--host clinic.test)");
}

}  // namespace
}  // namespace firedrill::cli
