#include "web/http.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "framing_cases.h"

namespace firedrill::web {
namespace {

using test::framing_cases;
using test::get_with;
using test::post_with;

struct Outcome {
    std::vector<Request> requests;
    unsigned status = 0;
};

/// Feeds `bytes` in pieces of the sizes given (the last repeats) and takes all there is after each piece.
Outcome read_in_pieces(std::string_view bytes, const std::vector<std::size_t>& sizes) {
    RequestReader reader;
    Outcome out;
    for (std::size_t at = 0, piece = 0; at < bytes.size() && out.status == 0; ++piece) {
        const std::size_t size = std::min(sizes[std::min(piece, sizes.size() - 1)], bytes.size() - at);
        reader.feed(as_bytes(bytes.substr(at, size)));
        at += size;
        while (auto next = reader.next()) {
            if (!next->is_ok()) {
                out.status = reader.error_status();
                break;
            }
            out.requests.push_back(std::move(**next));
        }
    }
    return out;
}

bool is_same(const Outcome& a, const Outcome& b) {
    if (a.status != b.status || a.requests.size() != b.requests.size()) {
        return false;
    }
    for (std::size_t i = 0; i < a.requests.size(); ++i) {
        const Request& x = a.requests[i];
        const Request& y = b.requests[i];
        if (x.method != y.method || x.path != y.path || x.query != y.query || x.host != y.host ||
            x.fields != y.fields || x.body != y.body || x.keeps_alive != y.keeps_alive) {
            return false;
        }
    }
    return true;
}

class Framing : public testing::TestWithParam<test::FramingCase> {};

TEST_P(Framing, IsOneRequestOrRefused) {
    const auto& [name, bytes, status] = GetParam();

    const Outcome whole = read_in_pieces(bytes, {bytes.size()});

    EXPECT_EQ(whole.status, status);
    EXPECT_EQ(whole.requests.size(), status == 0 ? 1U : 0U);
}

TEST_P(Framing, DoesNotDependOnHowTheBytesAreCut) {
    const auto& [name, bytes, status] = GetParam();

    const Outcome whole = read_in_pieces(bytes, {bytes.size()});

    EXPECT_TRUE(is_same(read_in_pieces(bytes, {1}), whole));
    for (std::size_t cut = 1; cut < std::min<std::size_t>(bytes.size(), 200); ++cut) {
        EXPECT_TRUE(is_same(read_in_pieces(bytes, {cut, bytes.size()}), whole)) << "cut at " << cut;
    }
}

TEST_P(Framing, ReadsNothingAfterARefusal) {
    const auto& [name, bytes, status] = GetParam();
    if (status == 0) {
        return;
    }
    RequestReader reader;
    reader.feed(as_bytes(bytes));
    ASSERT_FALSE(reader.next()->is_ok());

    reader.feed(as_bytes(get_with("")));

    EXPECT_FALSE(reader.next()->is_ok());
    EXPECT_EQ(reader.error_status(), status);
    EXPECT_FALSE(reader.is_idle());
}

INSTANTIATE_TEST_SUITE_P(Cases, Framing, testing::ValuesIn(framing_cases()),
                         [](const auto& one) { return one.param.name; });

std::string any_case() {
    return framing_cases()[*rc::gen::inRange<std::size_t>(0, framing_cases().size())].bytes;
}

RC_GTEST_PROP(RequestReader, YieldsTheSameForEverySplit, ()) {
    std::string bytes;
    const auto count = *rc::gen::inRange<std::size_t>(1, 5);
    for (std::size_t i = 0; i < count; ++i) {
        bytes += any_case();
    }
    const auto sizes = *rc::gen::nonEmpty(
        rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(1, 300)));

    RC_ASSERT(is_same(read_in_pieces(bytes, sizes), read_in_pieces(bytes, {bytes.size()})));
}

RC_GTEST_PROP(RequestReader, NeverCrashesOnAlteredRequests, ()) {
    std::string bytes = any_case();
    bytes.resize(std::min<std::size_t>(bytes.size(), 400));
    const auto edits = *rc::gen::container<std::vector<std::pair<std::size_t, char>>>(
        rc::gen::pair(rc::gen::inRange<std::size_t>(0, 400), rc::gen::arbitrary<char>()));
    for (const auto& [at, value] : edits) {
        if (at < bytes.size()) {
            bytes[at] = value;
        }
    }

    const Outcome outcome = read_in_pieces(bytes, {7});

    for (const Request& request : outcome.requests) {
        RC_ASSERT(request.path.starts_with('/'));
        RC_ASSERT(request.path.find("..") == std::string::npos);
        RC_ASSERT(request.path.find("//") == std::string::npos);
        RC_ASSERT(!request.host.empty());
    }
}

TEST(RequestReader, TellsWhatARequestHolds) {
    const auto outcome = read_in_pieces(
        "POST /p/caf%C3%A9/x?next=%2F HTTP/1.1\r\nHost: Clinic.Example:8443\r\nX-One: \t a b \r\n"
        "content-length: 5\r\nConnection: close\r\n\r\nhello",
        {3});

    ASSERT_EQ(outcome.requests.size(), 1U);
    const Request& request = outcome.requests[0];
    EXPECT_EQ(request.method, Method::post);
    EXPECT_EQ(request.path, "/p/caf\xC3\xA9/x");
    EXPECT_EQ(request.query, "next=%2F");
    EXPECT_EQ(request.host, "clinic.example");
    EXPECT_EQ(request.field("host"), "Clinic.Example:8443");
    EXPECT_EQ(request.field("x-one"), "a b");
    EXPECT_EQ(request.field("absent"), "");
    EXPECT_EQ(request.body, "hello");
    EXPECT_FALSE(request.keeps_alive);
}

TEST(RequestReader, YieldsPipelinedRequestsOneACall) {
    RequestReader reader;
    reader.feed(as_bytes(post_with("Content-Length: 3\r\n", "one") + get_with("", "/two") + "GET /thr"));

    const auto first = reader.next();
    const auto second = reader.next();

    EXPECT_EQ((*first)->body, "one");
    EXPECT_EQ((*second)->path, "/two");
    EXPECT_FALSE(reader.next().has_value());
    EXPECT_FALSE(reader.is_idle());
    reader.feed(as_bytes("ee HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    EXPECT_EQ((*reader.next())->path, "/three");
    EXPECT_TRUE(reader.is_idle());
}

TEST(RequestReader, AsksOnceForABodyThatWaitsForContinue) {
    RequestReader reader;
    reader.feed(as_bytes(post_with("Expect: 100-continue\r\nContent-Length: 2\r\n")));
    ASSERT_FALSE(reader.next().has_value());

    EXPECT_TRUE(reader.is_head_done());
    EXPECT_TRUE(reader.take_continue());
    EXPECT_FALSE(reader.take_continue());
    reader.feed(as_bytes("ok"));
    EXPECT_EQ((*reader.next())->body, "ok");
    EXPECT_FALSE(reader.take_continue());
}

TEST(RequestReader, TakesABodyOfTheLimit) {
    const std::string body(256 * 1024, 'b');

    const auto outcome = read_in_pieces(post_with("Content-Length: 262144\r\n", body), {16'384});

    ASSERT_EQ(outcome.requests.size(), 1U);
    EXPECT_EQ(outcome.requests[0].body, body);
}

// Before the guard, a trailer field of more than 64 KiB threw out of Beast's parser and ended the process.
TEST(RequestReader, SurvivesATrailerOf64KiB) {
    const std::string bytes =
        post_with("Transfer-Encoding: chunked\r\n", "0\r\nX: " + std::string(70'000, 'a') + "\r\n\r\n");

    EXPECT_EQ(read_in_pieces(bytes, {bytes.size()}).status, 400U);
    EXPECT_EQ(read_in_pieces(bytes, {1000}).status, 400U);
}

// Before the guard, Beast took the body of "Transfer-Encoding: xchunked" for the next request.
TEST(RequestReader, NeverTakesABodyForTheNextRequest) {
    const auto outcome = read_in_pieces(
        post_with("Transfer-Encoding: xchunked\r\n", "GET /inner HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        {10'000});

    EXPECT_TRUE(outcome.requests.empty());
    EXPECT_EQ(outcome.status, 400U);
}

TEST(Serialize, WritesLengthDateAndConnection) {
    const Response response{404, {{"Content-Type", "text/plain"}}, "gone", false};

    EXPECT_EQ(as_text(serialize(response, false, true, "Sun, 06 Nov 1994 08:49:37 GMT")),
              "HTTP/1.1 404 Not Found\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain\r\n"
              "Content-Length: 4\r\nConnection: keep-alive\r\n\r\ngone");
    EXPECT_EQ(as_text(serialize(response, true, false, "d")),
              "HTTP/1.1 404 Not Found\r\nDate: d\r\nContent-Type: text/plain\r\n"
              "Content-Length: 4\r\nConnection: close\r\n\r\n");
}

TEST(Serialize, ClosesWhenTheResponseSaysSo) {
    const Bytes bytes = serialize(Response{200, {}, "", true}, false, true, "d");

    EXPECT_NE(as_text(bytes).find("Connection: close"), std::string_view::npos);
}

TEST(SerializeDeathTest, RefusesControlBytesInFields) {
    EXPECT_DEATH((void)serialize(Response{200, {{"X", "a\r\nY: b"}}, "", false}, false, true, "d"),
                 "is_clean");
}

TEST(ParseForm, DecodesPairs) {
    const auto fields = parse_form("a=1&b=two+words&a=%C3%A9%26&empty=&&lone");

    ASSERT_TRUE(fields.is_ok());
    const std::multimap<std::string, std::string> expected = {
        {"a", "1"}, {"a", "\xC3\xA9&"}, {"b", "two words"}, {"empty", ""}, {"lone", ""}};
    EXPECT_EQ(fields.value(), expected);
}

TEST(ParseForm, RefusesBrokenEncoding) {
    for (const char* body :
         {"a=%", "a=%4", "a=%zz", "a=%ff", "%c0%80=1", "a=%ed%a0%80", "a=%f5%80%80%80", "a=\xff"}) {
        EXPECT_FALSE(parse_form(body).is_ok()) << body;
    }
}

TEST(ParseForm, RefusesMoreThanAThousandFields) {
    std::string body;
    for (int i = 0; i < 1000; ++i) {
        body += "a=1&";
    }

    EXPECT_TRUE(parse_form(body).is_ok());
    EXPECT_FALSE(parse_form(body + "a=1").is_ok());
}

Request with_cookie(std::string value) {
    Request request;
    request.fields.emplace_back("cookie", std::move(value));
    return request;
}

TEST(FindCookie, FindsExactNamesOnly) {
    EXPECT_EQ(find_cookie(with_cookie("a=1; __Host-session=abc; b=2"), "__Host-session"), "abc");
    EXPECT_EQ(find_cookie(with_cookie("__Host-sessionx=abc"), "__Host-session"), std::nullopt);
    EXPECT_EQ(find_cookie(with_cookie("__host-session=abc"), "__Host-session"), std::nullopt);
    EXPECT_EQ(find_cookie(with_cookie("__Host-session"), "__Host-session"), std::nullopt);
    EXPECT_EQ(find_cookie(Request{}, "__Host-session"), std::nullopt);
}

TEST(FindCookie, TakesNoneWhenTwoHaveTheName) {
    EXPECT_EQ(find_cookie(with_cookie("s=1; s=1"), "s"), std::nullopt);
    EXPECT_EQ(find_cookie(with_cookie("s=1; t=2;s=3"), "s"), std::nullopt);
    Request two = with_cookie("s=1");
    two.fields.emplace_back("cookie", "s=2");
    EXPECT_EQ(find_cookie(two, "s"), std::nullopt);
}

TEST(EscapeHtml, LeavesNothingActive) {
    EXPECT_EQ(escape_html("<a href=\"x\" b='y'>&</a>"),
              "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;&lt;/a&gt;");
    EXPECT_EQ(escape_html(std::string_view("a\0b\x1b", 4)),
              "a\xEF\xBF\xBD"
              "b\xEF\xBF\xBD");
    EXPECT_EQ(escape_html("caf\xC3\xA9\r\n\t"), "caf\xC3\xA9\r\n\t");
}

}  // namespace
}  // namespace firedrill::web
