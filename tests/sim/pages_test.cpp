#include <gtest/gtest.h>

#include "sim/html_page.h"
#include "sim/http_response.h"
#include "sim/patient.h"

namespace firedrill::sim {
namespace {

constexpr std::string_view kGood = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello";

std::optional<Result<HttpResponse>> read(std::string_view text) {
    HttpResponseReader reader;
    reader.feed(as_bytes(text));
    return reader.next();
}

TEST(HttpResponseReader, ReadsAMessageFedByteByByte) {
    HttpResponseReader reader;
    for (char c : kGood.substr(0, kGood.size() - 1)) {
        reader.feed(as_bytes(std::string_view(&c, 1)));
        ASSERT_FALSE(reader.next());
    }
    reader.feed(as_bytes("o"));
    const auto response = reader.next();
    ASSERT_TRUE(response && response->is_ok());
    EXPECT_EQ((*response)->status, 200u);
    EXPECT_EQ((*response)->body, "hello");
    EXPECT_EQ((*response)->field("x-a"), "b");
    EXPECT_FALSE((*response)->closes);
    EXPECT_TRUE(reader.is_idle());
}

TEST(HttpResponseReader, ReadsTwoMessagesOneAfterTheOther) {
    HttpResponseReader reader;
    reader.feed(as_bytes(std::string(kGood) + "HTTP/1.1 204 No\r\nConnection: close\r\n\r\n"));
    ASSERT_TRUE(reader.next());
    const auto second = reader.next();
    ASSERT_TRUE(second && second->is_ok());
    EXPECT_EQ((*second)->status, 204u);
    EXPECT_TRUE((*second)->closes);
}

TEST(HttpResponseReader, RefusesWhatIsAmbiguous) {
    for (std::string_view text : {
             "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
             "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
             "HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n",
             "HTTP/1.1 200 OK\r\n\r\n",
             "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
             "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\nx",
             "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n",
             "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
             "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n folded\r\n\r\n",
             "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: a\nY: b\r\n\r\n",
         }) {
        const auto response = read(text);
        ASSERT_TRUE(response) << text;
        EXPECT_FALSE(response->is_ok()) << text;
    }
    EXPECT_FALSE(read(std::string(40'000, 'a'))->is_ok());
}

constexpr std::string_view kForm = R"(<title>T &amp; t</title><a href="/x">x</a>
<form method="post" action="/p/c/forms/f"><input type="hidden" name=":submission" value="id1">
<fieldset class="group"><legend>Group</legend>
<div class="field"><label for="a">Name</label><input id="a" name="name" type="text" value="" maxlength="40">
</div>
<div class="field"><label for="b">Why? <span class="optional">(optional)</span></label>
<textarea id="b" name="why" rows="5">
</textarea></div>
<fieldset class="question"><legend>Ill?</legend>
<div class="option"><input type="radio" name="ill" value="true"><label>Yes</label></div>
<div class="option"><input type="radio" name="ill" value="false"><label>No</label></div></fieldset>
<fieldset class="question"><legend>How <span class="optional">(optional)</span></legend>
<p class="hint" id="f:how:hint">Answer only if “Ill?” is “Yes”.</p>
<div class="option"><input type="radio" name="how" value="1"><label>Very</label></div>
<div class="option"><input type="radio" name="how" value="" checked=""><label>No answer</label></div>
</fieldset>
</fieldset><button type="submit">Send</button></form>)";

TEST(HtmlPage, ShowsAFormAsAPersonSeesIt) {
    const HtmlPage page = parse_html(kForm);

    EXPECT_EQ(page.title, "T & t");
    EXPECT_EQ(page.links, std::vector<std::string>{"/x"});
    const HtmlForm* form = page.find_form("/p/c/forms/f");
    ASSERT_NE(form, nullptr);
    ASSERT_EQ(form->fields.size(), 5u);
    EXPECT_EQ(form->find(":submission")->value, "id1");
    EXPECT_EQ(form->find("name")->question, "Name");
    EXPECT_EQ(form->find("name")->max_length, 40u);
    EXPECT_EQ(form->find("why")->question, "Why?");
    EXPECT_TRUE(form->find("why")->is_optional);
    EXPECT_FALSE(form->find("ill")->is_optional);
    ASSERT_EQ(form->find("ill")->options.size(), 2u);
    EXPECT_EQ(form->find("ill")->options[1].label, "No");
    EXPECT_TRUE(form->find("how")->is_conditional);
    ASSERT_EQ(form->find("how")->options.size(), 1u);
}

TEST(HtmlPage, ReadsAnswersBackAsTheyWereWritten) {
    const HtmlPage page = parse_html(
        "<dl><dt class=\"section\">Part</dt><dt>Q &lt;1&gt;</dt><dd>a &amp;amp; &#39;b&#x27; "
        "é</dd><dt>Q2</dt><dd></dd></dl>");
    EXPECT_EQ(page.lines, (Content{{"Q <1>", "a &amp; 'b' é"}, {"Q2", ""}}));
}

TEST(Patient, FillsInEveryRequiredFieldAndOpensNoConditionalOne) {
    const HtmlPage page = parse_html(kForm);
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        Random random(seed);
        std::string canary = "Zk7canaryQ4xabcdefghijkm";
        const FilledForm filled = fill_form(page, page.forms.front(), random, canary);
        ASSERT_GE(filled.content.size(), 2u);
        EXPECT_EQ(filled.content[0].question, "Name");
        EXPECT_TRUE(filled.content[0].answer.starts_with("Zk7canaryQ4xabcdefghijkm"));
        EXPECT_LE(filled.content[0].answer.size(), 40u);
        EXPECT_EQ(filled.content.back(), (ContentLine{"Ill?", "No"}));
        EXPECT_FALSE(canary.empty());
    }
}

TEST(FormEncoding, IsThatOfBrowsers) {
    EXPECT_EQ(encode_form({{":id", "a b"}, {"x", "1&2=3%é\r\n"}}), "%3Aid=a+b&x=1%262%3D3%25%C3%A9%0D%0A");
}

}  // namespace
}  // namespace firedrill::sim
