// SimNetwork: links, their faults, and the death of hosts.
#include <gtest/gtest.h>

#include <optional>

#include "sim/seams/machine.h"

namespace firedrill::sim {
namespace {

class SimNetworkTest : public ::testing::Test {
  protected:
    void SetUp() override { universe_.network.set_chopping(0, 1); }
    void connect() {
        listener_ = server_->host().listen({"10.0.0.1:443"}).value();
        listener_->accept([&](Result<std::unique_ptr<Stream>> s) { there_ = std::move(s).value(); });
        client_->host().connect({"10.0.0.1:443"},
                                [&](Result<std::unique_ptr<Stream>> s) { here_ = std::move(s).value(); });
        ASSERT_EQ(universe_.loop.run_until([&] { return here_ && there_; }), RunEnd::reached);
    }
    void send(Stream& stream, std::string_view text) {
        const ByteView piece = as_bytes(text);
        bool is_taken = false;
        stream.write_some(std::span(&piece, 1), [&](Result<std::size_t> put) {
            EXPECT_EQ(put.value(), text.size());
            is_taken = true;
        });
        EXPECT_EQ(universe_.loop.run_until([&] { return is_taken; }), RunEnd::reached);
    }
    /// Starts a read whose outcome is in got_ (bytes) or fault_, at at_.
    void expect_read(Stream& stream) {
        got_.reset();
        fault_.reset();
        stream.read_some(buffer_, [&](Result<std::size_t> got) {
            at_ = universe_.loop.now();
            if (got) {
                got_ = std::string(as_text(ByteView(buffer_).first(*got)));
            } else {
                fault_ = got.error().fault;
            }
        });
    }
    bool finish_read() {
        return universe_.loop.run_until([&] { return got_ || fault_; }) == RunEnd::reached;
    }
    std::optional<Fault> connect_fault(const char* to) {
        std::optional<Fault> fault;
        client_->host().connect(
            {to}, [&](Result<std::unique_ptr<Stream>> s) { fault = s ? Fault::internal : s.error().fault; });
        (void)universe_.loop.run_until([&] { return fault.has_value(); });
        return fault;
    }
    std::unique_ptr<Machine> boot(const std::string& name, const std::string& address, SimDisk* disk) {
        return std::make_unique<Machine>(universe_, name, address, std::vector<SimDisk*>{disk});
    }

    Universe universe_{31};
    std::unique_ptr<SimDisk> disk_ = universe_.make_disk("main/node1/disk0");
    std::unique_ptr<SimDisk> other_disk_ = universe_.make_disk("main/node2/disk0");
    std::unique_ptr<Machine> server_ = boot("server", "10.0.0.1", disk_.get());
    std::unique_ptr<Machine> client_ = boot("client", "10.0.0.2", other_disk_.get());
    std::unique_ptr<Listener> listener_;
    std::unique_ptr<Stream> here_;
    std::unique_ptr<Stream> there_;
    Bytes buffer_ = Bytes(70'000);
    std::optional<std::string> got_;
    std::optional<Fault> fault_;
    Instant at_;
};

TEST_F(SimNetworkTest, BytesTakeTheLatencyAndTheBandwidthOfTheirLink) {
    universe_.network.set_link("10.0.0.1", "10.0.0.2", {30ms, 0s, 1'000'000, 0, 0});
    connect();
    EXPECT_EQ(there_->peer(), "10.0.0.2");
    expect_read(*there_);
    const Instant start = universe_.loop.now();
    send(*here_, std::string(10'000, 'x'));
    ASSERT_TRUE(finish_read());
    EXPECT_EQ(at_, start + 40ms);
}

TEST_F(SimNetworkTest, APartitionHoldsBytesBackUntilItHeals) {
    connect();
    universe_.network.partition("10.0.0.1", "10.0.0.2");
    expect_read(*there_);
    send(*here_, "held");
    (void)universe_.loop.run_for(1min);
    EXPECT_FALSE(got_ || fault_);
    universe_.network.heal("10.0.0.1", "10.0.0.2");
    ASSERT_TRUE(finish_read());
    EXPECT_EQ(got_, "held");
}

TEST_F(SimNetworkTest, AOneWayPartitionLetsTheOtherWayThrough) {
    connect();
    universe_.network.block("10.0.0.2", "10.0.0.1");
    expect_read(*here_);
    send(*there_, "still heard");
    ASSERT_TRUE(finish_read());
    EXPECT_EQ(got_, "still heard");
    EXPECT_EQ(connect_fault("10.0.0.1:443"), Fault::unavailable);
}

TEST_F(SimNetworkTest, ASenderGivesUpOnAPartitionThatStays) {
    connect();
    universe_.network.partition("10.0.0.1", "10.0.0.2");
    const Instant start = universe_.loop.now();
    send(*here_, "never heard");
    expect_read(*here_);
    ASSERT_TRUE(finish_read());
    EXPECT_EQ(fault_, Fault::unavailable);
    EXPECT_GE(at_, start + kGiveUpAfter);
    EXPECT_LT(at_, start + kGiveUpAfter + 2min);
}

TEST_F(SimNetworkTest, ConnectingToNobodyFailsInItsTime) {
    const Instant start = universe_.loop.now();
    EXPECT_EQ(connect_fault("10.0.0.1:80"), Fault::unavailable);
    EXPECT_LT(universe_.loop.now(), start + 1s) << "the host says no at once";
    EXPECT_EQ(connect_fault("10.9.9.9:80"), Fault::unavailable);
    EXPECT_GE(universe_.loop.now(), start + kConnectTimeout) << "nobody says anything";
}

TEST_F(SimNetworkTest, AResetEndsBothSides) {
    connect();
    universe_.network.reset("10.0.0.2", "10.0.0.1");
    expect_read(*here_);
    ASSERT_TRUE(finish_read());
    EXPECT_EQ(fault_, Fault::unavailable);
    expect_read(*there_);
    ASSERT_TRUE(finish_read());
    EXPECT_EQ(fault_, Fault::unavailable);
}

TEST_F(SimNetworkTest, AClogDelaysAndLosesNothing) {
    connect();
    const Instant until = universe_.loop.now() + 10min;
    universe_.network.clog("10.0.0.2", "10.0.0.1", until);
    expect_read(*there_);
    send(*here_, "late");
    ASSERT_TRUE(finish_read());
    EXPECT_EQ(got_, "late");
    EXPECT_EQ(at_, until);
}

TEST_F(SimNetworkTest, LossShowsAsDelay) {
    universe_.network.set_link("10.0.0.1", "10.0.0.2", {1ms, 0s, 1'000'000'000, 500'000, 0});
    connect();
    Duration longest = 0s;
    for (int i = 0; i < 30; ++i) {
        expect_read(*there_);
        const Instant start = universe_.loop.now();
        send(*here_, "x");
        ASSERT_TRUE(finish_read());
        longest = std::max(longest, at_ - start);
    }
    EXPECT_GE(longest, kRetransmit);
}

TEST_F(SimNetworkTest, AKilledProcessResetsItsPeers) {
    connect();
    expect_read(*here_);
    server_->kill_process();
    ASSERT_TRUE(finish_read());
    EXPECT_EQ(fault_, Fault::unavailable);
    EXPECT_EQ(connect_fault("10.0.0.1:443"), Fault::unavailable);
}

TEST_F(SimNetworkTest, AMachineWithoutPowerIsSilentUntilItIsBack) {
    connect();
    expect_read(*here_);
    server_->cut_power();
    there_.reset();
    listener_.reset();
    server_.reset();
    EXPECT_EQ(universe_.loop.run_for(10min), RunEnd::idle) << "nobody tells the client anything";
    EXPECT_FALSE(got_ || fault_);
    server_ = boot("server/2", "10.0.0.1", disk_.get());
    send(*here_, "are you there?");
    ASSERT_TRUE(finish_read());
    EXPECT_EQ(fault_, Fault::unavailable);
}

TEST_F(SimNetworkTest, AWindowOfBytesWaitsAndNoMore) {
    connect();
    const Bytes much(200'000, 'w');
    const ByteView piece = much;
    std::size_t taken = 0;
    here_->write_some(std::span(&piece, 1), [&](Result<std::size_t> put) { taken = put.value(); });
    (void)universe_.loop.run_for(1s);
    EXPECT_EQ(taken, kWindowBytes);
    taken = 0;
    here_->write_some(std::span(&piece, 1), [&](Result<std::size_t> put) { taken = put.value(); });
    (void)universe_.loop.run_for(1h);
    EXPECT_EQ(taken, 0U);
    expect_read(*there_);
    ASSERT_TRUE(finish_read());
    EXPECT_EQ(got_->size(), kWindowBytes);
    (void)universe_.loop.run_for(1s);
    EXPECT_EQ(taken, kWindowBytes);
}

TEST_F(SimNetworkTest, TheTapSeesEveryByteHandedOver) {
    connect();
    std::string seen;
    universe_.network.set_tap(
        [&](const std::string& from, const std::string& to, std::uint64_t, ByteView bytes) {
            seen += from + ">" + to + ":" + std::string(as_text(bytes)) + " ";
        });
    send(*here_, "ask");
    send(*there_, "answer");
    EXPECT_EQ(seen, "10.0.0.2>10.0.0.1:ask 10.0.0.1>10.0.0.2:answer ");
}

TEST_F(SimNetworkTest, ChoppingGivesReadersFewerBytesThanArrived) {
    connect();
    universe_.network.set_chopping(1, 1);
    send(*here_, std::string(1000, 'x'));
    (void)universe_.loop.run_for(1s);
    expect_read(*there_);
    ASSERT_TRUE(finish_read());
    EXPECT_LT(got_->size(), buffer_.size());
    EXPECT_GE(got_->size(), 1U);
}

}  // namespace
}  // namespace firedrill::sim
