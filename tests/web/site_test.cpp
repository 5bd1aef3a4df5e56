#include "site_fixture.h"
#include "web/submission_list.h"

namespace firedrill::web {
namespace {

TEST_F(SiteTest, SendsTheSecurityFieldsWithEveryAnswer) {
    Request elsewhere = get("/");
    elsewhere.host = "elsewhere";
    submissions_.read_error = Error{Fault::damaged, "x"};
    const std::vector<Request> requests = {get("/"),
                                           get("/status"),
                                           get("/style.css"),
                                           get("/p/alpha"),
                                           get("/p/alpha/forms/phq-9"),
                                           get("/nothing"),
                                           get("/sign-out"),
                                           elsewhere,
                                           get("/p/alpha/submissions"),
                                           post("/sign-in", {}),
                                           post("/sign-in", kSignIn),
                                           post("/p/alpha/forms/phq-9", {}),
                                           post("/p/alpha/forms/phq-9", phq9()),
                                           get("/p/alpha/submissions", {{"cookie", sign_in()}}),
                                           post("/sign-out", {}, {{"origin", "https://evil.example"}})};

    for (const Request& request : requests) {
        const Response response = call(request);
        SCOPED_TRACE(request.path);
        EXPECT_EQ(field(response, "Strict-Transport-Security"), "max-age=31536000; includeSubDomains");
        EXPECT_EQ(field(response, "Content-Security-Policy"),
                  "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
                  "frame-ancestors 'none'; img-src 'self'");
        EXPECT_EQ(field(response, "X-Content-Type-Options"), "nosniff");
        EXPECT_EQ(field(response, "Cross-Origin-Opener-Policy"), "same-origin");
        EXPECT_EQ(field(response, "Cross-Origin-Resource-Policy"), "same-origin");
        EXPECT_EQ(field(response, "Referrer-Policy"), "same-origin");
        EXPECT_EQ(field(response, "Cache-Control"),
                  request.path == "/style.css" ? "public, max-age=3600" : "no-store");
    }
}

TEST_F(SiteTest, ListsPracticesEscaped) {
    const Response response = call(get("/"));

    EXPECT_EQ(response.status, 200U);
    EXPECT_TRUE(has(response.body, "href=\"/p/alpha\""));
    EXPECT_TRUE(has(response.body, "Beta &lt;b&gt;&amp; &quot;Sons&quot;&lt;/b&gt;"));
    EXPECT_FALSE(has(response.body, "<b>"));
}

TEST_F(SiteTest, SaysWhetherTheNodeIsHealthy) {
    EXPECT_EQ(call(get("/status")).body, "{\"status\":\"ok\"}\n");
    is_healthy_ = false;
    EXPECT_EQ(call(get("/status")).status, 503U);
}

TEST_F(SiteTest, SaysThatALogDiskIsMissingWithoutDetailsAndTellsStaff) {
    const std::string cookie = sign_in();
    EXPECT_FALSE(has(call(get("/p/alpha/submissions", {{"cookie", cookie}})).body, "out of service"));
    is_degraded_ = true;
    EXPECT_EQ(call(get("/status")).body, "{\"status\":\"degraded\"}\n");
    EXPECT_EQ(call(get("/status")).status, 200U);
    EXPECT_TRUE(has(call(get("/p/alpha/submissions", {{"cookie", cookie}})).body, "out of service"));
    EXPECT_FALSE(has(call(get("/p/alpha")).body, "out of service"));
    is_healthy_ = false;
    EXPECT_EQ(call(get("/status")).body, "{\"status\":\"unhealthy\"}\n");
}

TEST_F(SiteTest, SaysThatADiskHadToBeCorrectedWithoutDetailsAndTellsStaff) {
    const std::string cookie = sign_in();
    EXPECT_FALSE(has(call(get("/p/alpha/submissions", {{"cookie", cookie}})).body, "replaced soon"));
    is_suspect_ = true;
    EXPECT_EQ(call(get("/status")).body, "{\"status\":\"degraded\"}\n");
    EXPECT_EQ(call(get("/status")).status, 200U);
    EXPECT_TRUE(has(call(get("/p/alpha/submissions", {{"cookie", cookie}})).body, "replaced soon"));
    EXPECT_FALSE(has(call(get("/p/alpha")).body, "replaced soon"));
}

TEST_F(SiteTest, SaysThatAPracticeCannotBeFoldedWithoutDetailsAndTellsStaff) {
    const std::string cookie = sign_in();
    EXPECT_FALSE(has(call(get("/p/alpha/submissions", {{"cookie", cookie}})).body, "own files"));
    fold_failure_ = "data: no space";
    EXPECT_EQ(call(get("/status")).body, "{\"status\":\"degraded\"}\n");
    EXPECT_EQ(call(get("/status")).status, 200U);
    EXPECT_TRUE(has(call(get("/p/alpha/submissions", {{"cookie", cookie}})).body, "own files"));
    EXPECT_FALSE(has(call(get("/p/alpha/submissions", {{"cookie", cookie}})).body, "no space"));
    EXPECT_FALSE(has(call(get("/p/alpha")).body, "own files"));
}

TEST_F(SiteTest, AnswersOnlyItsHostsRoutesAndMethods) {
    Request other = get("/");
    other.host = "elsewhere";
    Request named = get("/");
    named.host = "clinic.example";

    EXPECT_EQ(call(other).status, 421U);
    EXPECT_EQ(call(named).status, 200U);
    for (const char* path :
         {"/nothing", "/p", "/p/", "/p/gamma", "/p/alpha/", "/p/alpha/forms", "/p/alpha/forms/none",
          "/p/alpha/thanks/short", "/P/alpha", "/p/alpha/forms/phq-9/x", "/style.css/x"}) {
        EXPECT_EQ(call(get(path)).status, 404U) << path;
    }
    const Response wrong = call(post("/status", {}));
    EXPECT_EQ(wrong.status, 405U);
    EXPECT_EQ(field(wrong, "Allow"), "GET, HEAD");
    EXPECT_EQ(field(call(get("/sign-out")), "Allow"), "POST");
}

TEST_F(SiteTest, ShowsAFormWithLabelsAndAFreshId) {
    const Response first = call(get("/p/alpha/forms/pt-intake"));
    const Response second = call(get("/p/alpha/forms/pt-intake"));

    EXPECT_EQ(first.status, 200U);
    EXPECT_EQ(hidden_id(first.body).size(), 32U);
    EXPECT_NE(hidden_id(first.body), hidden_id(second.body));
    EXPECT_TRUE(has(first.body, "<label for=\"f:name\">Your full name</label>"));
    EXPECT_TRUE(has(first.body, "Answer only if “Have you had surgery for this problem?” is “Yes”."));
    EXPECT_FALSE(has(first.body, "<script"));
    EXPECT_FALSE(has(first.body, "style="));
}

TEST_F(SiteTest, StoresASoundFormOnceHoweverOftenItIsSent) {
    Pairs form = phq9();
    form.emplace_back(":submission", hidden_id(call(get("/p/alpha/forms/phq-9")).body));

    const Response first = call(post("/p/alpha/forms/phq-9", form));
    const Response again = call(post("/p/alpha/forms/phq-9", form));

    EXPECT_EQ(first.status, 303U);
    EXPECT_TRUE(field(first, "Location").starts_with("/p/alpha/thanks/"));
    EXPECT_EQ(field(first, "Location"), field(again, "Location"));
    EXPECT_EQ(submissions_.stored.size(), 1U);
    EXPECT_EQ(call(get(field(first, "Location"))).status, 200U);
}

// The same page, changed after it was sent once, must not vanish behind the first: nobody would notice.
TEST_F(SiteTest, StoresAChangedFormBesideTheFirst) {
    Pairs form = phq9();
    form.emplace_back(":submission", hidden_id(call(get("/p/alpha/forms/phq-9")).body));
    call(post("/p/alpha/forms/phq-9", form));

    form[0].second = "LA6571-9";
    call(post("/p/alpha/forms/phq-9", form));

    EXPECT_EQ(submissions_.stored.size(), 2U);
}

TEST_F(SiteTest, ShowsProblemsAndKeepsWhatWasEntered) {
    Pairs form = intake("Ann");
    form[1].second = "1980-02-30";
    form.emplace_back(":submission", std::string(32, 'a'));

    const Response response = call(post("/p/alpha/forms/pt-intake", form));

    EXPECT_EQ(response.status, 422U);
    EXPECT_TRUE(has(response.body, "<title>Error: "));
    EXPECT_TRUE(has(response.body, "There is a problem"));
    EXPECT_TRUE(has(response.body, "href=\"#f:birth-date\""));
    EXPECT_TRUE(has(response.body, "aria-invalid=\"true\""));
    EXPECT_TRUE(has(response.body,
                    "name=\"name\" autocomplete=\"name\" maxlength=\"120\" type=\"text\" value=\"Ann\""));
    EXPECT_TRUE(has(response.body, "value=\"neck\" checked=\"\""));
    EXPECT_EQ(hidden_id(response.body), std::string(32, 'a'));
    EXPECT_TRUE(submissions_.stored.empty());
}

TEST_F(SiteTest, RefusesIllFormedFormPosts) {
    Pairs twice = phq9();
    twice.emplace_back(":submission", std::string(32, 'a'));
    twice.emplace_back(":submission", std::string(32, 'b'));
    Pairs not_an_id = phq9();
    not_an_id.emplace_back(":submission", "1");
    Request broken = post("/p/alpha/forms/phq-9", {});
    broken.body = "q1=%ff";
    Request json = post("/p/alpha/forms/phq-9", phq9());
    json.fields.back().second = "application/json";

    EXPECT_EQ(call(post("/p/alpha/forms/phq-9", twice)).status, 400U);
    EXPECT_EQ(call(post("/p/alpha/forms/phq-9", not_an_id)).status, 400U);
    EXPECT_EQ(call(broken).status, 400U);
    EXPECT_EQ(call(json).status, 415U);
    EXPECT_TRUE(submissions_.stored.empty());
}

TEST_F(SiteTest, SaysWhenAFormWasNotSavedAndKeepsIt) {
    submissions_.submit_error = Error{Fault::disk_full, "log0 is full of Ann-7731"};
    Pairs form = intake("Ann-7731");

    const Response response = call(post("/p/alpha/forms/pt-intake", form));

    EXPECT_EQ(response.status, 503U);
    EXPECT_EQ(field(response, "Retry-After"), "30");
    EXPECT_TRUE(has(response.body, "Your form was NOT saved"));
    EXPECT_TRUE(has(response.body, "Ann-7731"));
    EXPECT_EQ(journal_, "A submission to practice alpha was not saved: disk_full.\n");
}

TEST_F(SiteTest, ShowsNaughtyTextInert) {
    const std::string cookie = sign_in();
    for (const std::string text :
         {"<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onmouseover='alert(1)",
          "</textarea><b>x", "javascript:alert(1)", "&lt;already&gt;", "{{7*7}}${7*7}", "=HYPERLINK(\"x\")",
          "\xE2\x80\xAE"
          "drow",
          "\xF0\x9F\x92\x89 ok", "a\nb"}) {
        SCOPED_TRACE(text);
        Pairs refused = intake(text);
        refused.erase(refused.begin() + 1);  // no date of birth: the page comes back with the values
        const Response kept = call(post("/p/alpha/forms/pt-intake", refused));
        EXPECT_EQ(kept.status, 422U);
        EXPECT_TRUE(has(kept.body, escape_html(text)));
        EXPECT_FALSE(has(kept.body, "<script>"));
        EXPECT_FALSE(has(kept.body, "<img"));
        EXPECT_FALSE(has(kept.body, "</textarea><b>"));

        submissions_.stored.clear();
        Pairs sound = intake(text);
        sound[0].second = "Ann";
        const Response stored = call(post("/p/alpha/forms/pt-intake", sound));
        ASSERT_EQ(stored.status, 303U);
        const std::string id = field(stored, "Location").substr(std::string_view("/p/alpha/thanks/").size());
        const Response read = call(get("/p/alpha/submissions/" + id, {{"cookie", cookie}}));
        EXPECT_EQ(read.status, 200U);
        EXPECT_TRUE(has(read.body, "<dd>" + escape_html(text) + "</dd>"));
        EXPECT_FALSE(has(read.body, "<script>"));
        EXPECT_FALSE(has(read.body, "<img"));
    }
}

TEST_F(SiteTest, SignsInWithAHostCookie) {
    const Response response = call(post("/sign-in", kSignIn));

    EXPECT_EQ(response.status, 303U);
    EXPECT_EQ(field(response, "Location"), "/p/alpha/submissions");
    const std::string cookie = field(response, "Set-Cookie");
    EXPECT_TRUE(cookie.starts_with("__Host-session=token-"));
    EXPECT_TRUE(cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Strict"));
    EXPECT_FALSE(has(cookie, "Domain"));
}

TEST_F(SiteTest, AnswersEveryWrongSignInAlike) {
    const auto answer = [&](const char* practice, const char* login, const char* password) {
        const Response response =
            call(post("/sign-in", {{"practice", practice}, {"login", login}, {"password", password}}));
        EXPECT_EQ(response.status, 401U);
        EXPECT_EQ(field(response, "Set-Cookie"), "");
        EXPECT_FALSE(has(response.body, password));
        std::string body = response.body;  // what the visitor entered is the only difference
        for (const std::string& own :
             {std::string("value=\"") + practice + "\"", std::string("value=\"") + login + "\""}) {
            body.erase(body.find(own), own.size());
        }
        return body;
    };

    const std::string wrong = answer("alpha", "owner", "wrong-password-1");
    EXPECT_EQ(answer("alpha", "nobody", "wrong-password-2"), wrong);
    EXPECT_EQ(answer("gamma", "owner", "wrong-password-3"), wrong);
    EXPECT_TRUE(has(wrong, "The practice, the sign-in name, the password or the code is not right."));
    EXPECT_EQ(identity_.password_checks, 3U);
    EXPECT_EQ(journal_, "");
}

TEST_F(SiteTest, SaysWhenSignInIsSlowedOrCannotBeServed) {
    identity_.sign_in_error = Error{Fault::unavailable, "Too many tries; wait 30 seconds."};
    const Response slowed = call(post("/sign-in", kSignIn));
    EXPECT_EQ(slowed.status, 503U);
    EXPECT_EQ(field(slowed, "Retry-After"), "30");
    EXPECT_TRUE(has(slowed.body, "Too many tries; wait 30 seconds."));

    identity_.sign_in_error = Error{Fault::limit, "Too many tries."};
    EXPECT_EQ(call(post("/sign-in", kSignIn)).status, 429U);

    identity_.sign_in_error = Error{Fault::damaged, "secret detail"};
    const Response failed = call(post("/sign-in", kSignIn));
    EXPECT_EQ(failed.status, 503U);
    EXPECT_FALSE(has(failed.body + journal_, "secret detail"));
    EXPECT_EQ(journal_, "A sign-in could not be served: damaged.\n");
}

TEST_F(SiteTest, TakesExactlyTheThreeSignInFields) {
    Pairs extra = kSignIn;
    extra.emplace_back("role", "owner");
    Pairs twice = kSignIn;
    twice.emplace_back("login", "other");
    Pairs fewer(kSignIn.begin(), kSignIn.begin() + 2);

    for (const Pairs& form : {extra, twice, fewer}) {
        EXPECT_EQ(call(post("/sign-in", form)).status, 400U);
    }
    EXPECT_EQ(identity_.password_checks, 0U);
}

TEST_F(SiteTest, OpensPrivatePagesToTheirSessionOnly) {
    const std::string alpha = sign_in("alpha");
    const std::string beta = sign_in("beta");
    const Response stored = call(post("/p/alpha/forms/phq-9", phq9()));
    const std::string one = "/p/alpha/submissions/" +
                            field(stored, "Location").substr(std::string_view("/p/alpha/thanks/").size());

    for (const std::string& path : {std::string("/p/alpha/submissions"), one}) {
        SCOPED_TRACE(path);
        EXPECT_EQ(call(get(path)).status, 401U);
        EXPECT_EQ(call(get(path, {{"cookie", "__Host-session=guess"}})).status, 401U);
        EXPECT_EQ(call(get(path, {{"cookie", alpha + "; " + alpha}})).status, 401U);
        EXPECT_EQ(call(get(path, {{"cookie", alpha.substr(7)}})).status, 401U);
        EXPECT_EQ(call(get(path, {{"cookie", beta}})).status, 404U);
        EXPECT_EQ(call(get(path, {{"cookie", alpha}})).status, 200U);
    }
    EXPECT_EQ(call(get("/p/beta/submissions/" + one.substr(one.rfind('/') + 1), {{"cookie", beta}})).status,
              404U);
    EXPECT_EQ(call(get("/p/alpha/submissions/none", {{"cookie", alpha}})).status, 404U);
    EXPECT_FALSE(has(call(get("/p/alpha/submissions")).body, one));
}

forms::Summary summary(std::int64_t received, Byte id) {
    forms::Summary out{{}, "phq-9", WallTime{received}};
    out.id.bytes.fill(id);
    return out;
}

Request list_request(const std::string& query, const std::string& cookie) {
    Request request = get("/p/alpha/submissions", {{"cookie", cookie}});
    request.query = query;
    return request;
}

TEST_F(SiteTest, ThePagesOfTheListLinkToTheirNeighboursByKey) {
    const std::string cookie = sign_in();
    const std::string first = "7-" + std::string(32, 'a');
    const std::string last = "5-" + std::string(32, 'b');
    submissions_.page.items = {summary(7, 0xaa), summary(6, 0xcc), summary(5, 0xbb)};
    const std::string only = call(list_request("", cookie)).body;
    EXPECT_FALSE(has(only, "older=") || has(only, "newer="));
    submissions_.page.has_older = true;
    const std::string newest = call(list_request("", cookie)).body;
    EXPECT_TRUE(has(newest, "/p/alpha/submissions?older=" + last)) << newest;
    EXPECT_FALSE(has(newest, "newer="));
    submissions_.page.has_newer = true;

    const std::string middle = call(list_request("older=9-" + std::string(32, '0'), cookie)).body;

    EXPECT_EQ(submissions_.last_wish.from, forms::ListFrom::older_than);
    EXPECT_EQ(submissions_.last_wish.key.received.ns, 9);
    EXPECT_EQ(submissions_.last_wish.limit, kListLimit);
    EXPECT_TRUE(has(middle, "?older=" + last));
    EXPECT_TRUE(has(middle, "?newer=" + first));
    EXPECT_EQ(call(list_request("newer=" + first, cookie)).status, 200U);
    EXPECT_EQ(submissions_.last_wish.from, forms::ListFrom::newer_than);
    EXPECT_EQ(submissions_.last_wish.key.id.bytes[0], 0xaa);
}

TEST_F(SiteTest, TheListIsJsonForTheSessionThatAsksForIt) {
    const Response response = call(list_request("as=json", sign_in()));

    EXPECT_EQ(field(response, "Content-Type"), "application/json");
    EXPECT_EQ(field(response, "Cache-Control"), "no-store");
    EXPECT_EQ(call(list_request("as=json", "")).status, 401U);
}

TEST_F(SiteTest, AMalformedPlaceInTheListIsRefusedAndNothingIsRead) {
    const std::string cookie = sign_in();

    EXPECT_EQ(call(list_request("older=7", cookie)).status, 400U);

    EXPECT_EQ(submissions_.last_wish.limit, 0U);
    EXPECT_EQ(call(list_request("other=1", cookie)).status, 200U);
}

TEST_F(SiteTest, EndsTheOldSessionOfABrowserThatSignsInAgain) {
    const std::string old = sign_in();

    const Response response = call(post("/sign-in", kSignIn, {{"cookie", old}}));

    EXPECT_FALSE(has(field(response, "Set-Cookie"), old));
    EXPECT_EQ(identity_.session_count(), 1U);
    EXPECT_EQ(call(get("/p/alpha/submissions", {{"cookie", old}})).status, 401U);
}

TEST_F(SiteTest, SignsOutWithTheTokenOfTheSession) {
    const std::string cookie = sign_in();
    const std::string page = call(get("/p/alpha/submissions", {{"cookie", cookie}})).body;
    const std::size_t at = page.find("name=\"csrf\" value=\"");
    ASSERT_NE(at, std::string::npos);
    const std::string token = page.substr(at + 19, page.find('"', at + 19) - at - 19);

    EXPECT_EQ(call(post("/sign-out", {}, {{"cookie", cookie}})).status, 403U);
    EXPECT_EQ(call(post("/sign-out", {{"csrf", "guess"}}, {{"cookie", cookie}})).status, 403U);
    EXPECT_EQ(call(post("/sign-out", {{"csrf", token}, {"csrf", token}}, {{"cookie", cookie}})).status, 403U);
    EXPECT_EQ(identity_.session_count(), 1U);
    const Response out = call(post("/sign-out", {{"csrf", token}}, {{"cookie", cookie}}));

    EXPECT_EQ(out.status, 303U);
    EXPECT_TRUE(has(field(out, "Clear-Site-Data"), "\"cookies\""));
    EXPECT_TRUE(has(field(out, "Set-Cookie"), "Max-Age=0"));
    EXPECT_EQ(identity_.session_count(), 0U);
    EXPECT_EQ(call(get("/p/alpha/submissions", {{"cookie", cookie}})).status, 401U);
    EXPECT_EQ(call(post("/sign-out", {{"csrf", token}}, {{"cookie", cookie}})).status, 401U);
}

TEST_F(SiteTest, JournalsADamagedReadByNameOnly) {
    const std::string cookie = sign_in();
    submissions_.read_error = Error{Fault::damaged, "page 7 of Ann Example"};

    const Response response = call(get("/p/alpha/submissions", {{"cookie", cookie}}));

    EXPECT_EQ(response.status, 503U);
    EXPECT_FALSE(has(response.body, "Ann Example"));
    EXPECT_EQ(journal_, "Submissions of practice alpha could not be read: damaged.\n");
}

TEST_F(SiteTest, AsksToSignInAgainWhenThePracticeWasLocked) {
    const std::string cookie = sign_in();
    submissions_.read_error = Error{Fault::refused, "locked"};

    EXPECT_EQ(call(get("/p/alpha/submissions", {{"cookie", cookie}})).status, 401U);
}

TEST_F(SiteTest, FillsInThePracticeOfALinkWhenItIsAName) {
    Request request = get("/sign-in");
    request.query = "practice=alpha";
    EXPECT_TRUE(has(call(request).body, "value=\"alpha\""));
    request.query = "practice=%3Cscript%3E";
    EXPECT_FALSE(has(call(request).body, "script"));
}

TEST_F(SiteTest, NeverAnswersAfterItsEnd) {
    identity_.valve.holds = true;
    submissions_.valve.holds = true;
    int answers = 0;
    const auto count = [&](const Response&) { ++answers; };
    site_->handle(get("/"), count);
    site_->handle(post("/sign-in", kSignIn), count);
    site_->handle(post("/p/alpha/forms/phq-9", phq9()), count);

    site_.reset();
    identity_.valve.release();
    submissions_.valve.release();

    EXPECT_EQ(answers, 0);
}

}  // namespace
}  // namespace firedrill::web
