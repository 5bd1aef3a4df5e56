// What every Network must keep (seams/network.h), in both worlds.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "seams/worlds.h"

namespace firedrill::test {

template <class World>
class NetworkContract : public ::testing::Test {
  protected:
    struct Pair {
        std::unique_ptr<Listener> listener;
        std::unique_ptr<Stream> client;
        std::unique_ptr<Stream> server;
    };

    /// Two connected streams over a listener of their own.
    Pair connect(const Endpoint& at) {
        Pair pair;
        auto listener = network_.listen(at);
        EXPECT_TRUE(listener.is_ok()) << (listener ? "" : listener.error().text);
        pair.listener = std::move(listener).value();
        pair.listener->accept(
            [&](Result<std::unique_ptr<Stream>> stream) { pair.server = std::move(stream).value(); });
        network_.connect(pair.listener->local(), [&](Result<std::unique_ptr<Stream>> stream) {
            pair.client = std::move(stream).value();
        });
        EXPECT_TRUE(world_.run_until([&] { return pair.client && pair.server; }));
        return pair;
    }
    Pair connect() { return connect(world_.any_port()); }

    Result<std::size_t> read(Stream& stream, MutableBytes out) {
        std::optional<Result<std::size_t>> got;
        stream.read_some(out, [&](Result<std::size_t> result) { got = std::move(result); });
        EXPECT_FALSE(got) << "inside the call";
        EXPECT_TRUE(world_.run_until([&] { return got.has_value(); }));
        return got ? std::move(*got) : Result<std::size_t>(Error{Fault::timeout, "no answer"});
    }
    Result<std::size_t> write(Stream& stream, std::span<const ByteView> pieces) {
        std::optional<Result<std::size_t>> put;
        stream.write_some(pieces, [&](Result<std::size_t> result) { put = std::move(result); });
        EXPECT_FALSE(put) << "inside the call";
        EXPECT_TRUE(world_.run_until([&] { return put.has_value(); }));
        return put ? std::move(*put) : Result<std::size_t>(Error{Fault::timeout, "no answer"});
    }
    void write_all(Stream& stream, ByteView bytes) {
        while (!bytes.empty()) {
            const auto put = write(stream, std::span(&bytes, 1));
            ASSERT_TRUE(put.is_ok()) << put.error().text;
            ASSERT_GE(*put, 1U);
            bytes = bytes.subspan(*put);
        }
    }
    std::string read_exactly(Stream& stream, std::size_t size) {
        Bytes out(size);
        std::size_t done = 0;
        while (done < size) {
            const auto got = read(stream, MutableBytes(out).subspan(done));
            if (!got) {
                ADD_FAILURE() << got.error().text;
                break;
            }
            EXPECT_GE(*got, 1U);
            done += *got;
        }
        out.resize(done);
        return std::string(as_text(out));
    }
    Fault connect_fault(const Endpoint& to) {
        std::optional<Fault> fault;
        network_.connect(to, [&](Result<std::unique_ptr<Stream>> stream) {
            fault = stream ? Fault::internal : stream.error().fault;
        });
        EXPECT_FALSE(fault) << "inside the call";
        EXPECT_TRUE(world_.run_until([&] { return fault.has_value(); }));
        return fault.value_or(Fault::timeout);
    }

    World world_;
    Network& network_ = world_.network();
};
TYPED_TEST_SUITE(NetworkContract, Worlds, WorldNames);

TYPED_TEST(NetworkContract, ConnectsOverPortsAndSocketsAndNamesThePeer) {
    auto tcp = this->connect();
    EXPECT_EQ(tcp.server->peer(), this->world_.loopback());
    auto local = this->connect(this->world_.socket_path());
    EXPECT_EQ(local.server->peer(), "unix");
    EXPECT_EQ(local.client->peer(), "unix");
    EXPECT_EQ(local.listener->local(), this->world_.socket_path());

    for (auto* pair : {&tcp, &local}) {
        this->write_all(*pair->client, as_bytes("hello"));
        EXPECT_EQ(this->read_exactly(*pair->server, 5), "hello");
        this->write_all(*pair->server, as_bytes("well met"));
        EXPECT_EQ(this->read_exactly(*pair->client, 8), "well met");
    }
}

TYPED_TEST(NetworkContract, ManyBytesArriveInOrderUnaltered) {
    auto pair = this->connect();
    Bytes sent(1'500'000);
    for (std::size_t i = 0; i < sent.size(); ++i) {
        sent[i] = static_cast<Byte>((i * 2654435761U) >> 13);
    }
    std::size_t written = 0;
    Bytes received;
    Bytes buffer(10'000);
    std::function<void()> write = [&] {
        // Three pieces of uneven size, one of them empty.
        const ByteView left = ByteView(sent).subspan(written);
        const std::size_t cut = std::min<std::size_t>(left.size(), 777);
        const std::array<ByteView, 3> pieces{left.first(cut), ByteView{}, left.subspan(cut)};
        pair.client->write_some(pieces, [&](Result<std::size_t> put) {
            ASSERT_TRUE(put.is_ok());
            written += *put;
            if (written < sent.size()) {
                write();
            } else {
                pair.client->close();
            }
        });
    };
    bool is_over = false;
    std::function<void()> read = [&] {
        pair.server->read_some(buffer, [&](Result<std::size_t> got) {
            if (!got) {
                EXPECT_EQ(got.error().fault, Fault::closed);
                is_over = true;
                return;
            }
            append(received, ByteView(buffer).first(*got));
            read();
        });
    };
    write();
    read();

    ASSERT_TRUE(this->world_.run_until([&] { return is_over; }));

    EXPECT_EQ(received.size(), sent.size());
    EXPECT_EQ(received, sent);
}

TYPED_TEST(NetworkContract, ReadAndWriteMayBePendingAtOnce) {
    auto pair = this->connect();
    Byte byte = 0;
    bool is_read = false;
    pair.client->read_some({&byte, 1}, [&](Result<std::size_t> got) {
        EXPECT_TRUE(got.is_ok());
        is_read = true;
    });
    this->write_all(*pair.client, as_bytes("q"));
    EXPECT_FALSE(is_read);
    EXPECT_EQ(this->read_exactly(*pair.server, 1), "q");
    this->write_all(*pair.server, as_bytes("a"));

    EXPECT_TRUE(this->world_.run_until([&] { return is_read; }));
    EXPECT_EQ(byte, 'a');
}

TYPED_TEST(NetworkContract, AnOrderlyEndIsSeenAfterTheLastByteAndEveryTimeAfter) {
    auto pair = this->connect();
    this->write_all(*pair.client, as_bytes("the end"));
    pair.client->close();

    EXPECT_EQ(this->read_exactly(*pair.server, 7), "the end");
    Byte byte = 0;
    EXPECT_EQ(this->read(*pair.server, {&byte, 1}).error().fault, Fault::closed);
    EXPECT_EQ(this->read(*pair.server, {&byte, 1}).error().fault, Fault::closed);
}

TYPED_TEST(NetworkContract, DestroyingAStreamEndsItForTheOtherSide) {
    auto pair = this->connect();
    pair.client.reset();

    Byte byte = 0;
    EXPECT_EQ(this->read(*pair.server, {&byte, 1}).error().fault, Fault::closed);
}

TYPED_TEST(NetworkContract, ClosingCompletesWhatIsPendingAndRefusesWhatFollows) {
    auto pair = this->connect();
    Byte byte = 0;
    std::optional<Fault> fault;
    pair.client->read_some({&byte, 1}, [&](Result<std::size_t> got) { fault = got.error().fault; });
    this->world_.settle();
    EXPECT_FALSE(fault);

    pair.client->close();
    EXPECT_FALSE(fault) << "inside the call";
    ASSERT_TRUE(this->world_.run_until([&] { return fault.has_value(); }));

    EXPECT_EQ(*fault, Fault::closed);
    EXPECT_EQ(this->read(*pair.client, {&byte, 1}).error().fault, Fault::closed);
    const ByteView piece = as_bytes("x");
    EXPECT_EQ(this->write(*pair.client, std::span(&piece, 1)).error().fault, Fault::closed);
    pair.client->close();
}

TYPED_TEST(NetworkContract, DestroyingAStreamDestroysPendingHandlersUnrun) {
    auto pair = this->connect();
    auto held = std::make_shared<int>(1);
    {
        Bytes buffer(100);
        pair.server->read_some(buffer,
                               [held](Result<std::size_t>) { ADD_FAILURE() << "ran after the stream"; });
        this->write_all(*pair.client, as_bytes("data that is on its way"));
        pair.server.reset();
    }
    EXPECT_EQ(held.use_count(), 1);
    this->world_.settle();
}

TYPED_TEST(NetworkContract, AStreamMayBeDestroyedInItsOwnHandler) {
    auto pair = this->connect();
    Byte byte = 0;
    bool is_done = false;
    pair.server->read_some({&byte, 1}, [&](Result<std::size_t>) {
        pair.server.reset();
        is_done = true;
    });
    this->write_all(*pair.client, as_bytes("x"));

    EXPECT_TRUE(this->world_.run_until([&] { return is_done; }));
}

TYPED_TEST(NetworkContract, APeerThatDoesNotReadMakesTheWriterWait) {
    auto pair = this->connect();
    const Bytes chunk(64 * 1024, 'w');
    std::size_t taken = 0;
    std::size_t taken_before = 1;
    bool is_pending = false;
    std::function<void()> write = [&] {
        const ByteView piece = chunk;
        is_pending = true;
        pair.client->write_some(std::span(&piece, 1), [&](Result<std::size_t> put) {
            is_pending = false;
            ASSERT_TRUE(put.is_ok());
            taken += *put;
            if (taken < (256U << 20)) {
                write();
            }
        });
    };
    write();
    while (taken != taken_before) {
        taken_before = taken;
        this->world_.settle();
    }
    ASSERT_TRUE(is_pending) << "nothing held " << taken << " bytes back";

    // Everything that was taken comes out, and then the writer goes on.
    EXPECT_EQ(this->read_exactly(*pair.server, taken_before).size(), taken_before);
    EXPECT_TRUE(this->world_.run_until([&] { return taken > taken_before; }));
}

TYPED_TEST(NetworkContract, WritingToAPeerThatIsGoneFailsInTheEnd) {
    auto pair = this->connect();
    pair.server.reset();
    const ByteView piece = as_bytes("is anybody there?");
    Result<std::size_t> put(std::size_t{0});
    for (int i = 0; i < 100 && put; ++i) {
        put = this->write(*pair.client, std::span(&piece, 1));
        this->world_.settle();
    }

    ASSERT_FALSE(put.is_ok());
    EXPECT_EQ(put.error().fault, Fault::unavailable);
}

TYPED_TEST(NetworkContract, AListenerServesOneAfterAnother) {
    auto listener = this->network_.listen(this->world_.any_port()).value();
    std::vector<std::unique_ptr<Stream>> clients;
    std::vector<std::unique_ptr<Stream>> servers;
    for (int i = 0; i < 5; ++i) {
        this->network_.connect(listener->local(), [&](Result<std::unique_ptr<Stream>> stream) {
            clients.push_back(std::move(stream).value());
        });
    }
    std::function<void()> accept = [&] {
        listener->accept([&](Result<std::unique_ptr<Stream>> stream) {
            servers.push_back(std::move(stream).value());
            accept();
        });
    };
    ASSERT_TRUE(this->world_.run_until([&] { return clients.size() == 5; })) << "the backlog takes them";
    accept();

    EXPECT_TRUE(this->world_.run_until([&] { return servers.size() == 5; }));
}

TYPED_TEST(NetworkContract, DestroyingAListenerDestroysItsPendingAcceptAndFreesThePort) {
    auto held = std::make_shared<int>(1);
    for (const Endpoint& at : {this->world_.any_port(), this->world_.socket_path()}) {
        auto listener = this->network_.listen(at).value();
        const Endpoint local = listener->local();
        listener->accept(
            [held](Result<std::unique_ptr<Stream>>) { ADD_FAILURE() << "ran after the listener"; });
        listener.reset();
        EXPECT_EQ(held.use_count(), 1);
        EXPECT_EQ(this->connect_fault(local), Fault::unavailable);
        EXPECT_TRUE(this->network_.listen(local).is_ok());
    }
}

TYPED_TEST(NetworkContract, APortHasOneListener) {
    for (const Endpoint& at : {this->world_.any_port(), this->world_.socket_path()}) {
        auto listener = this->network_.listen(at).value();
        auto second = this->network_.listen(listener->local());
        ASSERT_FALSE(second.is_ok());
        EXPECT_EQ(second.error().fault, Fault::in_use);
        EXPECT_NE(second.error().text.find(listener->local().text), std::string::npos);
    }
}

TYPED_TEST(NetworkContract, RefusesEndpointsOfNoKnownForm) {
    for (const char* text :
         {"", "8443", ":8443", "localhost:8443", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
          "127.0.0.1:8 ", "127.0.0:1", "256.0.0.1:1", "1.2.3.4.5:1", "::1:8443", "[::1]", "[]:1", "[x]:1",
          "unix:", "http://127.0.0.1:1"}) {
        auto listener = this->network_.listen({text});
        ASSERT_FALSE(listener.is_ok()) << text;
        EXPECT_EQ(listener.error().fault, Fault::bad_usage) << text;
        EXPECT_EQ(this->connect_fault({text}), Fault::bad_usage) << text;
    }
    const Endpoint too_long{"unix:/" + std::string(107, 'p')};
    EXPECT_EQ(this->network_.listen(too_long).error().fault, Fault::bad_usage);
}

}  // namespace firedrill::test
