#include "node/settings.h"

#include <gtest/gtest.h>

namespace firedrill::node {
namespace {

TEST(Settings, AreDefaultsWhenTheFileIsEmpty) {
    Result<Settings> read = parse_settings("", "firedrill.toml");

    ASSERT_TRUE(read);
    EXPECT_EQ(read->data, "firedrill-data");
    EXPECT_EQ(read->listen, "127.0.0.1:8443");
    EXPECT_TRUE(read->logs.empty());
}

TEST(Settings, ReadEveryKnownKey) {
    Result<Settings> read = parse_settings(R"(
data = "/srv/firedrill"
logs = ["/mnt/a/log", "/mnt/b/log"]
listen = "127.0.0.1:443"
hosts = ["app.clinic.example"]
passphrase_file = "/etc/firedrill/passphrase"
key_file = "/etc/firedrill/key"
staff_second_factor = "required"
password_memory_kib = 131072
password_passes = 4
[secrets]
passphrase_days = 90
certificate_days = 60
certificate_notice_days = 20
)",
                                           "firedrill.toml");

    ASSERT_TRUE(read) << read.error().text;
    EXPECT_EQ(read->data, "/srv/firedrill");
    EXPECT_EQ(read->logs, (std::vector<std::string>{"/mnt/a/log", "/mnt/b/log"}));
    EXPECT_EQ(read->listen, "127.0.0.1:443");
    EXPECT_EQ(read->hosts, std::vector<std::string>{"app.clinic.example"});
    EXPECT_EQ(read->passphrase_file, "/etc/firedrill/passphrase");
    EXPECT_EQ(read->key_file, "/etc/firedrill/key");
    EXPECT_EQ(read->secrets.passphrase, 24h * 90);
    EXPECT_EQ(read->secrets.certificate, 24h * 60);
    EXPECT_EQ(read->secrets.certificate_notice, 24h * 20);
    EXPECT_EQ(read->secrets.signing, 24h * 365);
    EXPECT_EQ(read->staff_second_factor, identity::SecondFactorRule::required);
    EXPECT_EQ(read->cost, (crypto::PasswordCost{131072, 4}));
}

TEST(Settings, KeepPasswordsAtLeastAsDearAsTheDefault) {
    EXPECT_EQ(parse_settings("", "f")->cost, crypto::kProductionCost);
    for (const char* text :
         {"password_memory_kib = 65535", "password_memory_kib = 1048577", "password_memory_kib = -1",
          "password_memory_kib = \"65536\"", "password_passes = 2", "password_passes = 17",
          "password_passes = 3.5", "staff_second_factor = \"never\"", "staff_second_factor = true"}) {
        const Result<Settings> read = parse_settings(text, "f");
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().fault, Fault::bad_input);
        EXPECT_NE(read.error().text.find("f:1"), std::string::npos) << read.error().text;
    }
    EXPECT_TRUE(parse_settings("password_memory_kib = 1048576\npassword_passes = 16", "f"));
}

TEST(Settings, RefuseAnUnknownKeyNamingFileLineAndKey) {
    Result<Settings> read = parse_settings("data = \"x\"\nlogz = [\"y\"]\n", "firedrill.toml");

    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().fault, Fault::bad_input);
    EXPECT_NE(read.error().text.find("firedrill.toml:2"), std::string::npos) << read.error().text;
    EXPECT_NE(read.error().text.find("logz"), std::string::npos) << read.error().text;
}

TEST(Settings, RefuseWrongTypesEmptyTextsAndBrokenFiles) {
    for (const char* text : {"data = 3", "logs = \"x\"", "logs = []", "logs = [1]", "listen = \"\"",
                             "data = ", "hosts = [\"\"]", "[data]\nx = 1", "secrets = 3", "[secrets]\nx = 1",
                             "[secrets]\npassphrase_days = 0", "[secrets]\npassphrase_days = \"90\"",
                             "[secrets]\npassphrase_days = 4000", "[secrets]\ncertificate_days = 398",
                             "[secrets]\ncertificate_days = 30\ncertificate_notice_days = 30"}) {
        Result<Settings> read = parse_settings(text, "firedrill.toml");
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().fault, Fault::bad_input) << text;
    }
    EXPECT_EQ(parse_settings(std::string(70'000, '#'), "f").error().fault, Fault::limit);
}

}  // namespace
}  // namespace firedrill::node
