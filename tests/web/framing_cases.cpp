#include "framing_cases.h"

namespace firedrill::web::test {
namespace {

using Cases = std::vector<FramingCase>;
using namespace std::string_literals;

const std::string kInner = "GET /inner HTTP/1.1\r\nHost: localhost\r\n\r\n";

void add_transfer_encodings(Cases& out) {
    const std::string chunks = "5\r\nhello\r\n0\r\n\r\n";
    out.push_back({"length_and_chunked",
                   post_with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", chunks), 400});
    out.push_back({"chunked_and_length",
                   post_with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", chunks), 400});
    out.push_back({"chunked", post_with("Transfer-Encoding: chunked\r\n", chunks), 400});
    out.push_back({"chunked_empty_body", post_with("Transfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400});
    out.push_back({"encoding_gzip", post_with("Transfer-Encoding: gzip\r\n", kInner), 400});
    out.push_back({"encoding_xchunked", post_with("Transfer-Encoding: xchunked\r\n", kInner), 400});
    out.push_back(
        {"encoding_chunked_twice", post_with("Transfer-Encoding: chunked, chunked\r\n", chunks), 400});
    out.push_back({"encoding_two_fields",
                   post_with("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", chunks), 400});
    out.push_back(
        {"encoding_chunked_identity", post_with("Transfer-Encoding: chunked, identity\r\n", kInner), 400});
    out.push_back({"encoding_identity", post_with("Transfer-Encoding: identity\r\n", kInner), 400});
    out.push_back({"encoding_empty", post_with("Transfer-Encoding:\r\n", kInner), 400});
    out.push_back({"encoding_folded", post_with("Transfer-Encoding:\r\n chunked\r\n", chunks), 400});
    out.push_back({"encoding_tab", post_with("Transfer-Encoding:\tchunked\r\n", chunks), 400});
    out.push_back({"encoding_space_before_colon", post_with("Transfer-Encoding : chunked\r\n", chunks), 400});
    out.push_back(
        {"encoding_vertical_tab", post_with("Transfer-Encoding:\x0b"s + "chunked\r\n", chunks), 400});
    out.push_back({"encoding_mixed_case", post_with("tRANSFER-eNCODING: CHUNKED\r\n", chunks), 400});
    out.push_back({"encoding_on_get", get_with("Transfer-Encoding: chunked\r\n") + "0\r\n\r\n", 400});
    out.push_back({"encoding_in_http_1_0",
                   "POST / HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks, 400});
    out.push_back(
        {"trailer_100k",
         post_with("Transfer-Encoding: chunked\r\n", "0\r\nX: " + std::string(100'000, 'a') + "\r\n\r\n"),
         400});
    out.push_back({"trailer_cookie",
                   post_with("Transfer-Encoding: chunked\r\n", "0\r\nCookie: __Host-session=x\r\n\r\n"),
                   400});
    out.push_back({"chunk_extension_100k",
                   post_with("Transfer-Encoding: chunked\r\n",
                             "5;" + std::string(100'000, 'a') + "\r\nhello\r\n0\r\n\r\n"),
                   400});
    out.push_back({"chunk_size_hex_prefix",
                   post_with("Transfer-Encoding: chunked\r\n", "0x5\r\nhello\r\n0\r\n\r\n"), 400});
}

void add_lengths(Cases& out) {
    out.push_back({"length", post_with("Content-Length: 5\r\n", "hello"), 0});
    out.push_back({"length_zero", post_with("Content-Length: 0\r\n"), 0});
    out.push_back({"length_absent", post_with(""), 0});
    out.push_back({"length_list", post_with("Content-Length: 5, 5\r\n", "hello"), 400});
    out.push_back(
        {"length_twice_equal", post_with("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), 400});
    out.push_back(
        {"length_twice_different", post_with("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!"), 400});
    out.push_back({"length_plus", post_with("Content-Length: +5\r\n", "hello"), 400});
    out.push_back({"length_minus", post_with("Content-Length: -5\r\n", "hello"), 400});
    out.push_back({"length_hex", post_with("Content-Length: 0x5\r\n", "hello"), 400});
    out.push_back({"length_leading_zero", post_with("Content-Length: 05\r\n", "hello"), 400});
    out.push_back({"length_inner_space", post_with("Content-Length: 5 5\r\n", "hello"), 400});
    out.push_back({"length_empty", post_with("Content-Length:\r\n", "hello"), 400});
    out.push_back({"length_underscore", post_with("Content-Length: 1_0\r\n", "helloworld"), 400});
    out.push_back({"length_space_before_colon", post_with("Content-Length : 5\r\n", "hello"), 400});
    out.push_back({"length_beyond_limit", post_with("Content-Length: 262145\r\n"), 413});
    out.push_back({"length_overflow", post_with("Content-Length: 18446744073709551621\r\n", "hello"), 413});
    out.push_back({"length_on_get", get_with("Content-Length: 5\r\n") + "hello", 400});
    out.push_back({"length_zero_on_get", get_with("Content-Length: 0\r\n"), 0});
    out.push_back(
        {"length_on_head", "HEAD / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello", 400});
    out.push_back(
        {"length_in_http_1_0", "POST / HTTP/1.0\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello", 400});
}

void add_hosts(Cases& out) {
    const auto with = [](const std::string& host) { return "GET / HTTP/1.1\r\n" + host + "\r\n"; };
    out.push_back({"host_absent", with(""), 400});
    out.push_back({"host_absent_in_http_1_0", "GET / HTTP/1.0\r\n\r\n", 400});
    out.push_back({"host_twice", with("Host: localhost\r\nHost: elsewhere\r\n"), 400});
    out.push_back({"host_twice_equal", with("Host: localhost\r\nHost: localhost\r\n"), 400});
    out.push_back({"host_empty", with("Host:\r\n"), 400});
    out.push_back({"host_list", with("Host: localhost, elsewhere\r\n"), 400});
    out.push_back({"host_user", with("Host: user@localhost\r\n"), 400});
    out.push_back({"host_path", with("Host: localhost/x\r\n"), 400});
    out.push_back({"host_port", with("Host: LOCALHOST:8443\r\n"), 0});
    out.push_back({"host_port_empty", with("Host: localhost:\r\n"), 400});
    out.push_back({"host_port_not_a_number", with("Host: localhost:80a\r\n"), 400});
    out.push_back({"host_port_too_large", with("Host: localhost:65536\r\n"), 400});
    out.push_back({"host_ipv6", with("Host: [::1]:8443\r\n"), 0});
    out.push_back({"host_ipv6_open", with("Host: [::1\r\n"), 400});
    out.push_back({"absolute_form", "GET http://elsewhere/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 400});
    out.push_back({"authority_form", "CONNECT elsewhere:443 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400});
    out.push_back({"asterisk_form", "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", 400});
}

void add_lines(Cases& out) {
    out.push_back({"bare_lf", "GET / HTTP/1.1\nHost: localhost\n\n", 400});
    out.push_back({"bare_lf_last", "GET / HTTP/1.1\r\nHost: localhost\r\n\n", 400});
    out.push_back({"cr_in_value", get_with("X: a\rb\r\n"), 400});
    out.push_back({"cr_cr_lf", "GET / HTTP/1.1\r\r\nHost: localhost\r\n\r\n", 400});
    out.push_back({"nul_in_value", get_with("X: a\0b\r\n"s), 400});
    out.push_back({"nul_in_name", get_with("X\0: b\r\n"s), 400});
    out.push_back({"bell_in_value", get_with("X: a\x07\r\n"), 400});
    out.push_back({"delete_in_value", get_with("X: a\x7f\r\n"), 400});
    out.push_back({"not_ascii_in_value", get_with("X: caf\xC3\xA9\r\n"), 400});
    out.push_back({"not_ascii_in_name", get_with("X\xC3\xA9: b\r\n"), 400});
    out.push_back({"folded_value", get_with("X: a\r\n b\r\n"), 400});
    out.push_back({"folded_first", "GET / HTTP/1.1\r\n X: a\r\nHost: localhost\r\n\r\n", 400});
    out.push_back({"space_before_colon", get_with("X : a\r\n"), 400});
    out.push_back({"space_in_name", get_with("X Y: a\r\n"), 400});
    out.push_back({"no_colon", get_with("X\r\n"), 400});
    out.push_back({"no_name", get_with(": a\r\n"), 400});
    out.push_back({"empty_value", get_with("X:\r\n"), 0});
    out.push_back({"tabs_around_value", get_with("X:\t a b \t\r\n"), 0});
    out.push_back({"empty_line_first", "\r\n" + get_with(""), 400});
    out.push_back({"fields_64", get_with([] {
                       std::string all;
                       for (int i = 0; i < 63; ++i) {
                           all += "X: a\r\n";
                       }
                       return all;
                   }()),
                   0});
    out.push_back({"fields_65", get_with([] {
                       std::string all;
                       for (int i = 0; i < 64; ++i) {
                           all += "X: a\r\n";
                       }
                       return all;
                   }()),
                   431});
    out.push_back({"head_too_long", get_with("X: " + std::string(17'000, 'a') + "\r\n"), 431});
    out.push_back({"cookie_twice", get_with("Cookie: a=1\r\nCookie: a=2\r\n"), 400});
    out.push_back({"expect_other", post_with("Expect: 200-ok\r\nContent-Length: 1\r\n", "x"), 400});
    out.push_back({"expect_continue", post_with("Expect: 100-continue\r\nContent-Length: 1\r\n", "x"), 0});
    out.push_back(
        {"upgrade_ignored", get_with("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"), 0});
    out.push_back({"tls_hello", "\x16\x03\x01\x02\x00"s, 400});
    out.push_back({"http_2_preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400});
}

void add_request_lines(Cases& out) {
    const auto line = [](const std::string& text) { return text + "\r\nHost: localhost\r\n\r\n"; };
    out.push_back({"method_put", line("PUT / HTTP/1.1"), 405});
    out.push_back({"method_trace", line("TRACE / HTTP/1.1"), 405});
    out.push_back({"method_unknown", line("BREW / HTTP/1.1"), 501});
    out.push_back({"method_lower_case", line("get / HTTP/1.1"), 501});
    out.push_back({"method_200_letters", line(std::string(200, 'A') + " / HTTP/1.1"), 400});
    out.push_back({"method_not_a_token", line("G(T / HTTP/1.1"), 400});
    out.push_back({"version_1_2", line("GET / HTTP/1.2"), 400});
    out.push_back({"version_lower_case", line("GET / http/1.1"), 400});
    out.push_back({"version_absent", line("GET /"), 400});
    out.push_back({"two_spaces", line("GET  / HTTP/1.1"), 400});
    out.push_back({"tab_for_space", line("GET\t/ HTTP/1.1"), 400});
    out.push_back({"space_at_end", line("GET / HTTP/1.1 "), 400});
    out.push_back({"target_with_space", line("GET /a b HTTP/1.1"), 400});
    out.push_back({"target_fragment", line("GET /a#b HTTP/1.1"), 400});
    out.push_back({"target_backslash", line("GET /a\\b HTTP/1.1"), 400});
    out.push_back({"target_encoded_backslash", line("GET /a%5cb HTTP/1.1"), 400});
    out.push_back({"target_double_slash", line("GET //elsewhere/ HTTP/1.1"), 400});
    out.push_back({"target_dots", line("GET /a/../b HTTP/1.1"), 400});
    out.push_back({"target_encoded_dots", line("GET /a/%2e%2e/b HTTP/1.1"), 400});
    out.push_back({"target_single_dot", line("GET /a/./b HTTP/1.1"), 400});
    out.push_back({"target_encoded_slash", line("GET /a%2Fb HTTP/1.1"), 400});
    out.push_back({"target_encoded_nul", line("GET /a%00b HTTP/1.1"), 400});
    out.push_back({"target_encoded_line_end", line("GET /a%0d%0aX:%20b HTTP/1.1"), 400});
    out.push_back({"target_overlong_slash", line("GET /%c0%af HTTP/1.1"), 400});
    out.push_back({"target_overlong_dot", line("GET /%c0%ae%c0%ae HTTP/1.1"), 400});
    out.push_back({"target_bad_percent", line("GET /%zz HTTP/1.1"), 400});
    out.push_back({"target_cut_percent", line("GET /a% HTTP/1.1"), 400});
    out.push_back({"target_twice_encoded", line("GET /%252e%252e HTTP/1.1"), 0});
    out.push_back({"target_utf8", line("GET /caf%C3%A9 HTTP/1.1"), 0});
    out.push_back({"target_query", line("GET /?a=b?c/d HTTP/1.1"), 0});
    out.push_back({"target_query_bad_percent", line("GET /?a=%f HTTP/1.1"), 400});
    out.push_back({"target_too_long", line("GET /" + std::string(2048, 'a') + " HTTP/1.1"), 414});
    out.push_back({"target_far_too_long", line("GET /" + std::string(200'000, 'a') + " HTTP/1.1"), 414});
}

}  // namespace

std::string post_with(const std::string& fields, const std::string& body) {
    return "POST / HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n" + body;
}
std::string get_with(const std::string& fields, const std::string& target) {
    return "GET " + target + " HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n";
}

const std::vector<FramingCase>& framing_cases() {
    static const Cases cases = [] {
        Cases out;
        add_transfer_encodings(out);
        add_lengths(out);
        add_hosts(out);
        add_lines(out);
        add_request_lines(out);
        return out;
    }();
    return cases;
}

}  // namespace firedrill::web::test
